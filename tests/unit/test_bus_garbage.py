"""Broker core and client cores together: bytes that nobody should have sent."""

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ess_bus import control
from ess_bus.client.core import ClientCore
from ess_bus.control import Verb
from tests.wire import Wire, ask


class TestGarbageAtTheBroker:
    @pytest.mark.parametrize(
        "frame",
        [
            b"",
            b"\0",
            b"get",
            b"get /a",
            b"get\0",
            b"shout /a\0",
            b"get a\0",
            b"get /\xff\0",
            b"get /a\nb\0",
            b"get /" + b"a" * 300 + b"\0",
            b"!",
            b"!shout\0\x90",
            b"!ping\0\x90",
            b"!ping\0\x91\xa1x",
            b"!subscribe\0\x92\x01\x01",
            b"!subscribe\0\x92\x01\x91\x01",
            b"!welcome\0\x90",
            b"!bye\0\x91\x01",
        ],
    )
    def test_garbage_is_counted_and_answered_with_an_error(self, wire, frame):
        end = wire.client("a")
        wire.carry(end, frame)
        assert wire.control_verbs(end) == [Verb.ERROR]
        assert wire.broker.statistics.protocol_errors == 1
        assert wire.broker.statistics.messages == 0
        assert ask(wire, end, "/bus/stats")["protocol_errors"] == 1

    def test_a_frame_without_its_nul_is_not_mistaken_for_one_that_is_known(self, wire):
        end, sender = wire.client("a", "/a"), wire.client("b")
        sender.send("set", "/a", 1)
        end.take()
        wire.carry(sender, b"set /ax")
        wire.settle()
        assert end.core.garbage == 0
        assert wire.broker.statistics.protocol_errors == 1

    @given(st.lists(st.binary(max_size=60), max_size=5))
    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_no_frames_of_a_stranger_or_a_client_can_end_it(self, frames):
        wire = Wire()
        end = wire.client("a", "/a")
        stranger = wire.connect(ClientCore("s", None, wire.now))
        for frame in frames:
            for mark in (b"", b"!", b"set /a\0", b"get /bus\0", b"!hello\0", b"!subscribe\0"):
                wire.carry(stranger, mark + frame)
                wire.carry(end, mark + frame)
        wire.advance(4)
        assert ask(wire, end, "/bus/stats")["clients"] >= 1


class TestGarbageAtTheClient:
    @pytest.mark.parametrize(
        "frame",
        [
            b"",
            b"garbage",
            b"set /a\0garbage",
            b"set /a\0" + msgpack.packb(("/r", "p", None, "ok", None, b"")),
            b"!",
            b"!welcome\0\x90",
            b"!welcome\0" + msgpack.packb((3, "id", 1000)),
            b"!pong\0\x91\xa1x",
            b"!undelivered\0\x90",
            b"!dropped\0\x91\xc0",
            b"!subscribe\0\x90",
            b"!error\0\x91\x01",
        ],
    )
    def test_it_is_counted_and_hurts_nobody(self, wire, frame):
        end = wire.client("a", "/a")
        end.core.feed(frame, wire.now)
        assert end.core.garbage == 1
        assert end.core.joined
        assert end.take() == []

    def test_a_valid_header_with_a_garbage_tail_is_forwarded_and_ignored(self, wire):
        end, sender = wire.client("a", "/a"), wire.client("b")
        wire.carry(sender, b"set /a\0garbage")
        sender.send("set", "/a", 1)
        assert end.bodies() == [b"1"]
        assert end.core.garbage == 1

    @given(st.lists(st.binary(max_size=60), max_size=8))
    def test_no_bytes_can_end_it(self, frames):
        core = ClientCore("a", None, 0.0)
        core.announce({"name": "a"})
        for frame in frames:
            for mark in (
                b"",
                b"!",
                b"set /a\0",
                b"get /processes/a\0",
                b"!undelivered\0",
                b"!welcome\0",
                b"reply /x\0",
            ):
                core.feed(mark + frame, 0.0)
        core.feed(control.encode(Verb.WELCOME, 2, "id", 1000), 0.0)
        assert core.joined

    def test_an_error_of_the_broker_is_logged_and_cut(self, wire, caplog):
        end = wire.client("a")
        end.core.feed(control.encode(Verb.ERROR, "x" * 5000), wire.now)
        assert "did not understand" in caplog.text
        assert len(caplog.text) < 500
