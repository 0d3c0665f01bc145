"""Bytes that nobody should send, at a real broker's socket; the bus must go on, and must have counted them."""

import contextlib
import socket

import msgpack
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ess_bus import control
from ess_bus.broker.limits import Limits
from ess_bus.client import Bus
from ess_bus.control import Verb
from ess_bus.message import Message, encode
from tests.integration.conftest import eventually
from tests.integration.peers import Owner, Rude

# One broker for all examples of a test: what one leaves behind must not hurt the next either.
# Without shrinking: an example that fails waits for its time-outs, and a hundred of them would take an hour.
fuzz = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def assert_works(endpoint: str) -> dict[str, int]:
    """A normal client and a normal owner find each other; return the broker's statistics."""
    with Owner(endpoint, "/normal", lambda message: message.body), Bus(endpoint, name="normal") as bus:
        assert bus.set("/normal", 5).json() == 5
        stats: dict[str, int] = bus.get("/bus/stats")
        return stats


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: plant\r\n\r\n",
        b"\0" * 10_000,
        b"\xff" * 10_000,
        b"\x10\x00\x00\x00set/components/bms_1" * 50,
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03",  # half of a ZMTP greeting
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL" + b"\0" * 48 + b"\x04\x19\x05READY" + b"\xff" * 18,
    ],
)
def test_raw_bytes_on_the_socket_hurt_nobody(broker, data):
    with Bus(broker) as before:
        sockets = []
        for _ in range(5):
            raw = socket.socket(socket.AF_UNIX)
            raw.settimeout(10)
            raw.connect(broker.removeprefix("ipc://"))
            sockets.append(raw)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it may have seen enough
                raw.sendall(data)
        assert_works(broker)
        for raw in sockets:
            raw.close()
        assert before.get("/bus/stats")["clients"] == 1


@fuzz
@given(st.lists(st.binary(max_size=80), min_size=1, max_size=6))
def test_random_frames_of_a_stranger_hurt_nobody(broker, frames):
    with Rude(broker) as rude:
        for frame in frames:
            rude.send(frame)
        rude.until(Verb.WHO)
        rude.join()
        rude.flush()


def test_frames_of_a_stranger_that_never_says_hello_are_counted_as_dropped(broker):
    with Rude(broker) as rude, Bus(broker) as bus:
        rude.send(encode(Message("pub", "/a", b"1")))
        rude.until(Verb.WHO)
        eventually(lambda: bus.get("/bus/stats")["unknown_dropped"] == 1)
    assert_works(broker)


verbs = st.sampled_from([verb.value for verb in Verb])
fields = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**64 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)
wrong_control = st.builds(lambda verb, values: verb.encode() + b"\0" + msgpack.packb(values), verbs, fields)
headers = st.sampled_from([b"set /watched", b"get /watched/x", b"pub /watched", b"reply /watched", b"get /bus/stats"])
wrong_message = st.builds(lambda head, values: head + b"\0" + msgpack.packb(values), headers, fields)
wrong_tail = st.builds(lambda head, tail: head + b"\0" + tail, headers, st.binary(max_size=60))
wrong_header = st.builds(
    lambda head: head + b"\0" + msgpack.packb([None, "p", None, None, None, b""]), st.binary(max_size=40)
)


@fuzz
@given(st.lists(wrong_control | wrong_message | wrong_tail | wrong_header | st.binary(max_size=40), max_size=8))
def test_frames_of_a_client_hurt_neither_the_broker_nor_who_receives_them(broker, frames):
    with Bus(broker, name="receiver") as receiver, Rude(broker) as rude:
        receiver_inbox = receiver.subscribe("/watched")
        receiver.announce()
        rude.join()
        for frame in frames:
            rude.send(frame)
        # A control frame may have been a right goodbye; then the broker asks again.
        rude.join()
        rude.send(encode(Message("pub", "/watched", b"after all")))
        rude.flush()
        while True:
            message = receiver_inbox.receive(60)
            assert message is not None
            if message.body == b"after all":
                break
        assert receiver.connected


def test_garbage_is_counted_where_it_arrives(broker):
    with Bus(broker, name="receiver") as receiver, Rude(broker) as rude:
        receiver.subscribe("/a")
        rude.join()
        for frame in (b"", b"no nul", b"shout /a\0", b"get a\0", b"!shout\0\x90", b"!ping\0\x90"):
            rude.send(frame)
            rude.until(Verb.ERROR)
        rude.send(b"set /a\0garbage")
        rude.send(b"get /processes/receiver\0\x90")
        rude.flush()
        receiver.flush()
        assert receiver.statistics().garbage == 1
    assert assert_works(broker)["protocol_errors"] == 6


def test_messages_of_several_frames_are_left_out_and_counted(broker):
    with Rude(broker) as rude, Bus(broker) as bus:
        bus_inbox = bus.subscribe("/a")
        rude.join()
        good = encode(Message("pub", "/a", b"1"))
        rude.send(b"", good)
        rude.send(good, good)
        rude.send(b"a", b"b", b"c", b"d")
        rude.send(encode(Message("pub", "/a", b"2")))
        rude.flush()
        message = bus_inbox.receive(60)
        assert message is not None
        assert message.body == b"2"
        eventually(lambda: bus.get("/bus/stats")["protocol_errors"] == 3)
    assert_works(broker)


def test_a_message_far_over_the_limit_costs_its_sender_the_connection_and_nobody_else(start, folder):
    endpoint = f"ipc://{folder}/b"
    start("ess_bus.broker.command", "--bus", endpoint, "--max-message", 2000)
    with Bus(endpoint) as bus, Rude(endpoint) as rude:
        bus_inbox = bus.subscribe("/a")
        rude.join()
        rude.send(encode(Message("pub", "/a", b"x" * Limits(max_message=2000).max_frame)))
        eventually(lambda: bus.get("/bus/stats")["clients"] == 1)
        assert bus_inbox.receive(0) is None
    assert_works(endpoint)


def test_a_request_whose_replyto_cannot_be_routed_does_not_end_who_answers(broker, start):
    echo = start("tools.fims_echo", "-u", "/e", "-b", "1", "--bus", broker)
    with Bus(broker) as bus, Rude(broker) as rude:
        eventually(lambda: bus.get("/e") == 1)
        rude.join()
        for target in (b"/e", b"/processes/fims_echo"):
            for replyto in ("no-slash", "/a\0b", "", "/" + "x" * 300):
                rude.send(b"get " + target + b"\0" + msgpack.packb((replyto, "rude", None, None, None, None)))
        rude.flush()
        assert bus.get("/e") == 1
        assert bus.get("/processes/fims_echo")["name"] == "fims_echo"
    assert echo.popen.poll() is None
    assert "Traceback" not in echo.output


def test_a_hello_of_another_version_is_told_so(broker):
    with Rude(broker) as rude:
        rude.send(control.encode(Verb.HELLO, 99, "future", "", 1, ()))
        assert rude.until(Verb.ERROR) == ("this broker speaks version 2, not 99",)
    assert assert_works(broker)["protocol_errors"] == 1
