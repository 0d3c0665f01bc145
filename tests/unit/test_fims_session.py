"""One connection of the original's protocol, without sockets: packets on one side, frames of the bus on the other."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus import batch, control, fims_wire
from ess_bus.broker.fims_asked import SIZE, Asked
from ess_bus.broker.fims_session import Counters, FimsSession, Stage
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError
from ess_bus.message import Message, Status, decode, encode
from tests import fims_client

SUCCESS = fims_wire.encode_answer("SUCCESS")


class Talk:
    """A session that has joined, and what it says to either side."""

    def __init__(self, name: bytes = b"v1", largest: int = fims_wire.MAX_PACKET, max_message: int = 16 << 20) -> None:
        self.counters = Counters()
        self.session = FimsSession("plant", 4711, largest, self.counters)
        assert self.packets() == [fims_wire.encode_handshake()]
        assert self.session.feed(fims_client.HANDSHAKE) is None
        self.hello = self.session.feed(name)
        self.session.deliver(control.encode(Verb.WELCOME, control.VERSION, "broker", max_message))

    def packets(self) -> list[bytes]:
        """Return the packets that are due to the client, and forget them."""
        found = [outgoing.packet for outgoing in self.session.waiting]
        self.session.waiting.clear()
        return found

    def got(self) -> list[fims_client.Received]:
        return [fims_client.parse(packet) for packet in self.packets()]

    def says(self, *fields: Any, **more: Any) -> Message | None:
        frame = self.session.feed(fims_client.packet(*fields, **more))
        return None if frame is None else decode(frame)

    def asks_for(self, *wanted: tuple[str, bool]) -> Any:
        """Send a `sub`; return verb and fields of the control frame that it makes, if any."""
        body = fims_wire.encode_subscriptions(wanted)
        frame = self.session.feed(fims_client.packet("sub", "", body))
        return None if frame is None else control.decode(frame)

    def subscribes(self, *uris: str) -> None:
        self.asks_for(*((uri, False) for uri in uris))
        self.session.deliver(control.encode(Verb.SUBSCRIBED, 0, None))
        assert self.packets()[0] == SUCCESS

    def hears(self, *fields: Any, **more: Any) -> None:
        self.session.deliver(encode(Message(*fields, **more)))


@pytest.fixture
def talk() -> Talk:
    return Talk()


class TestJoining:
    def test_it_says_hello_with_its_name_and_the_true_user(self, talk):
        assert control.decode(talk.hello) == (Verb.HELLO, (control.VERSION, "v1", "plant", 4711, "", ()))
        assert talk.session.stage is Stage.JOINED

    def test_a_wrong_handshake_ends_it(self):
        session = FimsSession("plant", 1, fims_wire.MAX_PACKET, Counters())
        with pytest.raises(ProtocolError, match="handshake"):
            session.feed(fims_client.packet("set", "/a", "1"))

    def test_a_wrong_name_ends_it(self):
        session = FimsSession("plant", 1, fims_wire.MAX_PACKET, Counters())
        session.feed(fims_client.HANDSHAKE)
        with pytest.raises(ProtocolError, match="process name"):
            session.feed(b"x" * 256)

    def test_it_is_over_when_the_broker_does_not_know_it(self, talk):
        talk.session.deliver(control.encode(Verb.WHO))
        assert talk.session.stage is Stage.OVER


class TestSending:
    def test_a_message_keeps_its_fields(self, talk):
        message = talk.says("set", "/a//b/", "1", "/me", process_name="other", username="alice")
        assert message == Message("set", "/a//b/", b"1", "/me", "other", "alice")

    def test_what_is_empty_is_absent(self, talk):
        assert talk.says("get", "/a") == Message("get", "/a", None, None, "v1", None)

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            (("put", "/a"), "unknown method 'put', expected one of del, get, post, pub, set"),
            (("set", "a"), "bad URI 'a': it must start with '/'"),
            (("set", "/" + "a/" * 64), "64 segments are over the limit of 63"),
            (("set", ""), "uri missing from message"),
            (("", "/a"), "a message without method or process name"),
        ],
    )
    def test_what_cannot_travel_is_told_to_who_waits_for_an_answer(self, talk, fields, reason):
        talk.subscribes("/me")
        assert talk.says(*fields, "1", "/me") is None
        (told,) = talk.got()
        assert (told.method, told.uri, told.process_name) == (b"set", b"/me", b"fims_server")
        assert reason in told.body.decode()
        assert talk.counters.garbage == 1

    def test_without_a_process_name_it_is_discarded(self, talk):
        assert talk.says("set", "/a", "1", process_name="") is None
        assert talk.packets() == []
        assert talk.counters.garbage == 1

    def test_a_replyto_that_cannot_be_routed_is_refused(self, talk):
        assert talk.says("get", "/a", "", "me") is None
        assert talk.counters.garbage == 1

    def test_a_message_over_the_bus_limit_is_refused(self):
        talk = Talk(max_message=2000)
        talk.subscribes("/me")
        assert talk.says("set", "/a", "x" * 3000, "/me") is None
        assert b"over the limit of 2000" in talk.got()[0].body

    @given(st.lists(st.binary(max_size=60), max_size=8))
    def test_any_packets_are_taken(self, packets):
        talk = Talk()
        for packet in packets:
            frame = talk.session.feed(packet)
            assert frame is None or frame[:1] == control.MARK or decode(frame)


class TestSubscribing:
    def test_a_list_replaces_the_one_before(self, talk):
        verb, (_, listed) = talk.asks_for(("/a", False), ("/b", True))
        assert (verb, listed) == (Verb.REPLACE, (("/a", "all"), ("/b", "pub")))

    @pytest.mark.parametrize("method", ["sub", "subscribe", "subx"])
    def test_every_method_that_starts_so_is_one(self, talk, method):
        frame = talk.session.feed(fims_client.packet(method, "", b"\x01\x00\x02/a"))
        assert control.decode(frame)[0] is Verb.REPLACE

    def test_who_wants_all_gets_all(self, talk):
        _, (_, listed) = talk.asks_for(("/a", False), ("/a/", True), ("//b", True), ("/b", False), ("//", False))
        assert dict(listed) == {"/a": "all", "/b": "all", "/": "all"}

    def test_a_fims_listen_only_looks_on(self):
        _, (_, listed) = Talk(b"fims_listen").asks_for(("/a", False), ("/b", True))
        assert dict(listed) == {"/a": "passive", "/b": "pub"}

    def test_the_answer_comes_when_it_is_in_force(self, talk):
        talk.asks_for(("/a", False))
        assert talk.packets() == []
        talk.session.deliver(control.encode(Verb.SUBSCRIBED, 0, None))
        assert talk.packets() == [SUCCESS]

    def test_the_brokers_refusal_is_the_answer(self, talk):
        talk.asks_for(("/a", False))
        talk.session.deliver(control.encode(Verb.SUBSCRIBED, 0, "no more than 10"))
        (answer,) = talk.got()
        assert answer == (b"", b"", b"", b"fims_server", b"", b"no more than 10")

    def test_a_uri_that_is_too_deep_is_refused_as_one_with_wrong_characters_is(self, talk):
        deep = "/a" * 64
        assert talk.asks_for((deep, False)) is None
        assert talk.got()[0].body.decode() == f"Invalid Uri: {deep}"

    def test_messages_wait_for_the_answer(self, talk):
        """A client takes the first packet after its `sub` for the answer (fims.md B3)."""
        talk.subscribes("/a")
        talk.asks_for(("/a", False), ("/b", False))
        talk.hears("pub", "/a", b"1")
        talk.hears("pub", "/a", b"2")
        assert talk.packets() == []
        talk.session.deliver(batch.pack([control.encode(Verb.SUBSCRIBED, 0, None), encode(Message("pub", "/b", b"3"))]))
        assert [received.body for received in talk.got()] == [b"SUCCESS", b"1", b"2", b"3"]

    def test_the_broker_is_told_that_all_was_taken_even_then(self, talk):
        """Else it might send no more before that, and the answer is among what it has to send."""
        talk.asks_for(("/a", False))
        talk.hears("pub", "/a", b"1")
        talk.session.deliver(control.encode(Verb.PING, 17))
        assert [outgoing.number for outgoing in talk.session.waiting] == [17]

    def test_one_mark_is_enough_for_who_reads_nothing(self, talk):
        for number in range(60):
            talk.session.deliver(control.encode(Verb.PING, number))
        assert [outgoing.number for outgoing in talk.session.waiting] == [59]


class TestReceiving:
    def test_a_batch_becomes_packets(self, talk):
        frames = [encode(Message("pub", "/a", body, None, "p")) for body in (b"1", None, b"3")]
        talk.session.deliver(batch.pack(frames))
        assert [received.body for received in talk.got()] == [b"1", b"", b"3"]

    def test_an_error_of_the_bus_is_a_set_with_its_body(self, talk):
        talk.hears("set", "/me", b'{"error":"no"}', process_name="p", status=Status.REFUSED)
        assert talk.got() == [(b"set", b"/me", b"", b"p", b"", b'{"error":"no"}')]

    @pytest.mark.parametrize(
        ("status", "detail", "reason"),
        [
            ("no_one_listening", None, "no one is listening on /a (get not delivered)"),
            ("busy", "slow", "/a: slow is not reading its messages; not delivered"),
            ("denied", "alice may not get /a", "/a: alice may not get /a"),
        ],
    )
    def test_what_was_not_delivered_is_answered_where_the_client_waits(self, talk, status, detail, reason):
        talk.subscribes("/me")
        talk.session.deliver(control.encode(Verb.UNDELIVERED, status, "get", "/a", "/me/1", None, detail))
        assert talk.got() == [(b"set", b"/me/1", b"", b"fims_server", b"", f'{{"error":"{reason}"}}'.encode())]

    @pytest.mark.parametrize("replyto", [None, "/somebody/else", "/mex"])
    def test_it_is_not_told_where_it_does_not_wait(self, talk, replyto):
        talk.subscribes("/me")
        talk.session.deliver(control.encode(Verb.UNDELIVERED, "no_one_listening", "set", "/a", replyto, None, None))
        assert talk.packets() == []

    def test_garbage_is_counted(self, talk):
        talk.session.deliver(b"set /a\0garbage")
        talk.session.deliver(b"!shout\0\x90")
        assert talk.packets() == []
        assert talk.counters.garbage == 2

    def test_what_concerns_the_new_protocol_alone_is_not_shown(self, talk):
        talk.session.deliver(control.encode(Verb.DROPPED, 5))
        talk.session.deliver(control.encode(Verb.ERROR, "what?"))
        assert talk.packets() == []


class TestWhatDoesNotFit:
    def too_large(self) -> Message:
        return Message("set", "/a", b"x" * 2000, "/ask", "p")

    def test_a_command_is_refused_before_it_is_handed_over(self):
        talk = Talk(largest=2000)
        assert talk.session.misfit(encode(self.too_large())) == "/a: a message of 2022 bytes is over the limit of 2000"
        assert talk.session.misfit(encode(self.too_large()._replace(body=b"x" * 1900))) is None

    @pytest.mark.parametrize("field", ["process_name", "username"])
    def test_a_text_that_does_not_fit_is_refused_too(self, talk, field):
        def with_text(length: int) -> bytes:
            fields: dict[str, Any] = {field: "x" * length}
            return encode(Message("set", "/a", b"1")._replace(**fields))

        assert "of 256 bytes, but the receiver takes 255" in talk.session.misfit(with_text(256))
        assert talk.session.misfit(with_text(255)) is None

    def test_a_pub_is_lost_and_counted(self):
        talk = Talk(largest=2000)
        talk.hears("pub", "/a", b"x" * 2000)
        talk.hears("pub", "/a", b"2")
        assert [received.body for received in talk.got()] == [b"2"]
        assert talk.session.lost == 1

    def test_in_the_place_of_an_answer_comes_an_error(self):
        talk = Talk(largest=2000)
        talk.subscribes("/me")
        answer = Message("set", "/me/1", b"x" * 2000, None, "owner", None, Status.OK)
        assert talk.session.misfit(encode(answer)) is None
        talk.session.deliver(encode(answer))
        (told,) = talk.got()
        assert told.uri == b"/me/1"
        assert b"over the limit of 2000; ask for a part of it" in told.body

    def test_what_the_kernel_refuses_after_all_is_counted(self, talk):
        talk.subscribes("/me")
        talk.hears("set", "/me", b"1", status=Status.OK)
        talk.session.give_up(talk.session.waiting.popleft(), "too large for the kernel")
        assert talk.session.lost == 1
        assert b"too large for the kernel" in talk.got()[0].body


class TestAnswering:
    def test_a_set_to_a_replyto_is_the_reply_to_that_request(self, talk):
        talk.hears("get", "/a", None, "/ask/1", "asker", token="t1")
        assert talk.says("set", "/ask/1", "5") == Message("set", "/ask/1", b"5", None, "v1", None, Status.OK, "t1")

    def test_any_other_set_is_a_command(self, talk):
        talk.hears("get", "/a", None, "/ask/1", "asker")
        talk.hears("pub", "/a", None, "/ask/2", "asker")
        for uri in ("/ask", "/ask/1/2", "/ask/2"):
            assert talk.says("set", uri, "5").status is None
        assert talk.says("pub", "/ask/1", "5").status is None
        assert talk.says("set", "/ask/1", "5", "/me").status is None

    def test_each_of_two_who_share_a_replyto_one_after_the_other_gets_its_own(self, talk):
        for token in ("t1", "t2", None):
            talk.hears("get", "/a", None, "/me", "asker", token=token)
            assert talk.says("set", "/me", "5").token == token

    def test_it_may_answer_more_than_once(self, talk):
        talk.hears("get", "/a", None, "/me", "asker", token="t1")
        assert [talk.says("set", "/me", body).token for body in "12"] == ["t1", "t1"]

    def test_when_both_wait_the_answer_belongs_to_either(self, talk):
        talk.hears("get", "/a", None, "/me", "asker", token="t1")
        talk.hears("get", "/a", None, "/me", "asker", token="t2")
        assert [talk.says("set", "/me", body).token for body in "12"] == [None, None]

    def test_what_is_remembered_is_bounded(self):
        asked = Asked()
        for number in range(SIZE + 1):
            asked.note(f"/{number}", str(number))
            if number == 0:
                assert asked.token("/0") == "0"
        assert not asked.is_answer("/0")
        assert [asked.token(f"/{number}") for number in (1, SIZE)] == ["1", str(SIZE)]
