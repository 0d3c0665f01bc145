"""Broker core and client cores together: frames that are right in form, and sent to do harm."""

import os

import pytest

from ess_bus import batch, control
from ess_bus import uri as uris
from ess_bus.broker.clients import Origin
from ess_bus.broker.limits import Limits
from ess_bus.client.core import ClientCore
from ess_bus.client.inbox import Inbox
from ess_bus.control import Verb
from ess_bus.errors import BusError, Busy, NoOneListening, ProtocolError, Refused, TooLarge, UriError
from ess_bus.message import Message, Status, encode
from ess_bus.transport import zmtp
from tests.wire import End, Wire, ask, outcome


def depth(wire: Wire, end: End) -> tuple[int, int]:
    """Return what waits in the broker for a client: (messages, bytes)."""
    return wire.broker.clients[end.peer].outbox.depth


def hello(name: str, user: str = "", *uris_: str) -> bytes:
    subscriptions = tuple((uri, "all") for uri in uris_)
    return control.encode(Verb.HELLO, control.VERSION, name, user, os.getpid(), "", subscriptions)


class TestIdentity:
    def test_a_new_hello_in_a_batch_does_not_shake_off_the_proven_user(self, wire):
        end = wire.connect(ClientCore("a", None, wire.now))
        wire.broker.receive(end.peer, hello("a", "root"), wire.now, Origin("pid 1", "alice"))
        for frames in ([control.encode(Verb.BYE), hello("b", "root")], [hello("b", "root")] * 2):
            wire.carry(end, batch.pack(frames))
            (client,) = wire.broker.clients.values()
            assert (client.user, client.origin.user) == ("alice", "alice")

    def test_a_second_hello_loses_nothing_of_what_was_due(self, wire):
        owner, sender = wire.client("owner", "/a"), wire.client("sender")
        pending, frame = sender.core.request("set", "/a", b"1")
        wire.broker.receive(sender.peer, frame, wire.now)
        wire.broker.receive(owner.peer, hello("owner", "", "/a"), wire.now)
        wire.broker.flush(wire.now)
        (request,) = owner.take()
        owner.answer(request, 1)
        assert outcome(wire, pending).json() == 1

    def test_a_command_kept_for_an_owner_that_comes_back_survives_its_second_hello(self, wire):
        # What the owner had not sent yet goes out in one batch with its hello, so that it has to say hello once more.
        owner, sender = wire.client("owner", "/a"), wire.client("sender")
        wire.restart_broker()
        wire.broker.receive(sender.peer, control.encode(Verb.PING, 0), wire.now)
        wire.settle()
        pending = sender.request("set", "/a", 1)
        owner.core.outgoing.append(encode(Message("pub", "/b", b"1", None, "owner")))
        wire.broker.receive(owner.peer, control.encode(Verb.PING, 0), wire.now)
        while owner.queue:
            owner.core.feed(owner.queue.pop(0), wire.now)
        frame, count = batch.take(owner.core.outgoing)
        assert count == 2
        owner.core.outgoing.clear()
        wire.carry(owner, frame)
        wire.advance(1)
        (request,) = owner.take()
        owner.answer(request, 2)
        assert outcome(wire, pending).json() == 2

    def test_a_command_that_is_kept_is_shown_once(self, wire):
        owner, sender = wire.client("owner", "/a"), wire.client("sender")
        wire.restart_broker()
        wire.carry(sender, control.encode(Verb.PING, 0))
        looker = wire.client("looker", "/", mode=control.Mode.PASSIVE)
        assert owner.peer not in wire.broker.clients
        pending = sender.request("set", "/a", 1)
        for number in range(3):
            wire.client("passer by", f"/{number}")
        wire.advance(2)
        owner.answer(owner.take()[0], 2)
        assert outcome(wire, pending).json() == 2
        assert [message.uri for message in looker.take() if message.method == "set" and not message.is_reply] == ["/a"]


class TestWhatOneClientMayCost:
    LIMITS = Limits(queue_messages=50, queue_bytes=20_000, max_message=20_000, subscriptions=100)

    @pytest.fixture
    def wire(self) -> Wire:
        return Wire(self.LIMITS)

    def deaf(self, wire: Wire) -> End:
        end = wire.client("deaf")
        end.reads, end.room = False, 0
        return end

    @pytest.mark.parametrize(
        "frame",
        [
            encode(Message("get", "/bus", None, "/_reply/deaf", "deaf")),
            encode(Message("set", "/bus", b"1", "/_reply/deaf", "deaf")),
            encode(Message("set", "/nobody", b"1", "/_reply/deaf", "deaf")),
            control.encode(Verb.PING, 1),
            control.encode(Verb.SUBSCRIBE, 1, (("/a", "all"),)),
            b"garbage",
        ],
    )
    @pytest.mark.parametrize("together", [True, False])
    def test_answers_to_who_never_reads_are_bounded(self, wire, frame, together):
        end = self.deaf(wire)
        wire.carry(end, control.encode(Verb.SUBSCRIBE, 1, (("/_reply/deaf", "all"),)))
        for _ in range(40):
            for one in [batch.pack([frame] * 10)] if together else [frame] * 10:
                wire.carry(end, one)
        waiting, size = depth(wire, end)
        assert waiting <= self.LIMITS.queue_messages + 20
        assert size <= 2 * self.LIMITS.queue_bytes
        assert ask(wire, wire.client("other"), "/bus/version")

    def test_one_batch_of_questions_is_bounded_too(self):
        limits = Limits(queue_messages=50, queue_bytes=200_000)
        wire = Wire(limits)
        for number in range(50):
            wire.client(f"client {number}")
        end = wire.client("asker", "/r")
        end.reads = False
        question = encode(Message("get", "/bus/clients", None, "/r", "asker"))
        wire.broker.receive(end.peer, batch.pack([question] * 1000), wire.now)
        assert depth(wire, end)[1] < 2 * limits.queue_bytes
        wire.broker.flush(wire.now)
        end.reads = True
        wire.settle()
        found = [message.status for message in end.take()]
        assert len(found) + end.core.dropped == 1000
        assert set(found) <= {Status.OK, Status.BUSY}
        assert end.core.dropped

    def test_who_only_looks_on_and_never_reads_is_shown_no_more_than_its_queue_holds(self, wire):
        looker, owner, sender = (
            wire.client("looker", "/", mode=control.Mode.PASSIVE),
            wire.client("o", "/a"),
            wire.client("s"),
        )
        looker.reads, looker.room = False, 0
        for number in range(200):
            sender.send("set", "/a", number)
            owner.take()
        assert depth(wire, looker)[0] <= self.LIMITS.queue_messages + 2
        looker.reads, looker.room = True, 1000
        wire.broker.retry(wire.now)
        assert len(looker.take()) + looker.core.dropped == 200

    def test_one_of_two_receivers_that_misses_a_command_is_told_that_it_did(self, wire):
        slow, owner, sender = wire.client("slow", "/a"), wire.client("o", "/a"), wire.client("s")
        slow.reads, slow.room = False, 0
        for number in range(200):
            sender.send("set", "/a", number)
        assert len(owner.take()) == 200
        assert not sender.core.failures
        slow.reads, slow.room = True, 1000
        wire.broker.retry(wire.now)
        assert len(slow.take()) + slow.core.dropped == 200

    def test_a_batch_of_too_many_frames_is_not_taken_apart(self, wire):
        end = wire.client("a", "/a")
        sender = wire.client("b")
        wire.carry(sender, batch.MARK + b"\xdd" + (batch.MOST + 1).to_bytes(4) + b"\xc4\0" * (batch.MOST + 1))
        assert wire.control_verbs(sender) == [Verb.ERROR]
        assert end.take() == []
        frames = [b"pub /a\0\xc0"] * batch.MOST
        wire.carry(sender, batch.pack(frames))
        assert end.core.garbage == 0
        wire.settle()
        assert end.core.garbage + wire.broker.totals().dropped == batch.MOST

    def test_whatever_is_batched_can_be_taken_apart_again(self):
        frames = [b"!who\0\x90"] * 70_000
        while frames:
            frame, count = batch.take(frames)
            assert batch.unpack(frame) == frames[:count]
            del frames[:count]

    def test_subscriptions_over_the_limit_are_refused_as_a_whole_in_whatever_portions_they_come(self, wire):
        end = wire.client("many")
        too_many = tuple((f"/a/{number}", "all") for number in range(101))
        for verb in (Verb.SUBSCRIBE, Verb.REPLACE):
            wire.carry(end, control.encode(verb, 1, too_many))
            assert list(wire.broker.clients[end.peer].subscriptions) == list(end.core._inboxes.told)
        for number in range(300):
            wire.carry(end, control.encode(Verb.SUBSCRIBE, number, ((f"/a/{number}", "all"),)))
        subscriptions = wire.broker.clients[end.peer].subscriptions
        assert len(subscriptions) == 100
        assert "/a/98" in subscriptions
        # What is subscribed to can still be changed.
        wire.carry(end, control.encode(Verb.SUBSCRIBE, 1, (("/a/5", "pub"),)))
        assert subscriptions["/a/5"] == "pub"

    def test_the_time_of_a_subscription_does_not_grow_with_those_that_are_there(self):
        looked_at = []

        class Counted(dict[str, control.Mode]):
            """Subscriptions that tell when all of them are looked at."""

            def __iter__(self):
                looked_at.append(len(self))
                return super().__iter__()

            def __or__(self, other):
                looked_at.append(len(self))
                return super().__or__(other)

            def keys(self):
                looked_at.append(len(self))
                return super().keys()

        wire = Wire()
        end = wire.client("many")
        client = wire.broker.clients[end.peer]
        client.subscriptions = Counted(client.subscriptions)
        for number in range(100):
            wire.carry(end, control.encode(Verb.SUBSCRIBE, number, ((f"/a/{number}", "all"),)))
            wire.carry(end, control.encode(Verb.UNSUBSCRIBE, number, (f"/a/{number}/b",)))
        assert "/a/99" in client.subscriptions
        assert looked_at == []

    def test_what_is_unsubscribed_from_is_not_remembered_whatever_it_is(self, wire):
        end = wire.client("a", "/a")
        uris.segments.cache_clear()
        wire.carry(end, control.encode(Verb.UNSUBSCRIBE, 7, ("/" + "x" * 10_000, "", "a", "/a/")))
        assert "/a" not in wire.broker.clients[end.peer].subscriptions
        assert uris.segments.cache_info().currsize <= 4
        for number in range(20):
            wire.carry(end, control.encode(Verb.UNSUBSCRIBE, 7, ("/" + "x" * 10_000 + str(number),)))
        assert uris.segments.cache_info().currsize <= 4

    def test_a_uri_of_megabytes_is_refused_by_its_length_alone(self):
        with pytest.raises(UriError, match="300 bytes are over the limit"):
            uris.check("/\n" + "x" * 298)


class TestWhatAProgramSurvives:
    @pytest.fixture
    def wire(self) -> Wire:
        return Wire(Limits(max_message=1024))

    def test_facts_that_the_next_broker_finds_too_large_do_not_end_a_client(self, wire):
        end = wire.client("big")
        with pytest.raises(TooLarge):
            end.core.announce({"text": "x" * 2000})
        wire.restart_broker()
        wire.advance(3)
        assert end.core.joined

    def test_a_request_that_leaves_no_room_for_any_answer_does_not_end_who_answers(self, wire):
        owner, rude = wire.client("owner", "/a"), wire.client("rude")
        outcome(wire, owner.core.announce({"name": "owner"}))
        for uri in ("/a", "/processes/owner"):
            wire.carry(rude, encode(Message("get", uri, None, "/r", "rude", "u" * 600, None, "t" * 600)))
        (request,) = owner.take()
        assert owner.core.answer(request, Status.OK, b"1") is None
        assert owner.core.joined

    def test_a_request_that_is_pushed_out_by_news_of_the_broker_is_answered(self, wire):
        asker, owner = wire.client("asker"), wire.client("owner")
        owner.inbox = Inbox(1)
        outcome(wire, owner.core.subscribe(owner.inbox, {"/a": control.Mode.ALL, "/me": control.Mode.ALL}))
        pending = asker.request("set", "/a", 1)
        wire.settle()
        owner.send("set", "/nobody", 1, replyto="/me")
        with pytest.raises((Refused, BusError), match="is not reading its messages"):
            outcome(wire, pending)
        (news,) = owner.take()
        assert news.status is Status.NO_ONE_LISTENING

    def test_who_only_looks_on_never_says_that_a_request_was_not_delivered(self, wire):
        asker, owner, looker = wire.client("asker"), wire.client("owner", "/a"), wire.client("looker")
        looker.inbox = Inbox(1)
        outcome(wire, looker.core.subscribe(looker.inbox, {"/a": control.Mode.PASSIVE}))
        pending = asker.request("set", "/a", 1)
        for _ in range(5):
            asker.send("pub", "/a", 1)
        wire.settle()
        assert looker.inbox.dropped == 5
        owner.answer(owner.take()[0], 2)
        assert outcome(wire, pending).json() == 2

    def test_nor_does_a_process_in_which_another_subscription_still_has_it(self, wire):
        asker, owner = wire.client("asker"), wire.client("owner", "/a")
        small = Inbox(1)
        outcome(wire, owner.core.subscribe(small, {"/": control.Mode.ALL}))
        pending = asker.request("set", "/a", 1)
        asker.send("pub", "/b", 1)
        wire.settle()
        assert small.dropped == 1
        owner.answer(owner.take()[0], 2)
        assert outcome(wire, pending).json() == 2


class TestZmtp:
    def opened(self) -> zmtp.Decoder:
        decoder = zmtp.Decoder("ROUTER", 1000)
        assert decoder.feed(zmtp.opening("DEALER")) == []
        return decoder

    def test_pings_of_who_takes_no_answer_are_not_collected(self):
        decoder = self.opened()
        for _ in range(10):
            assert decoder.feed(b"\x04\x17\x04PING\0\x01" + b"c" * 16) == []
            decoder.feed(b"\x04\x17\x04PING\0\x01" * 1 + b"c" * 16)
        assert b"PONG" in decoder.replies
        for _ in range(20):
            decoder.feed((b"\x04\x17\x04PING\0\x01" + b"c" * 16) * 500)
        assert len(decoder.replies) < 5000

    def test_a_frame_over_the_limit_is_refused_by_its_head(self):
        with pytest.raises(ProtocolError, match="over the limit"):
            self.opened().feed(b"\x02" + (1001).to_bytes(8))


def test_no_one_listening_is_still_told_to_who_reads(wire):
    end = wire.client("a")
    with pytest.raises(NoOneListening):
        outcome(wire, end.request("get", "/nobody"))


def test_a_command_between_one_that_is_full_and_one_that_is_gone_is_busy_and_not_nobodys():
    wire = Wire(Limits(queue_messages=8))
    slow, dead, sender = wire.client("slow", "/a"), wire.client("dead", "/a"), wire.client("sender")
    slow.reads, slow.room = False, 0
    for number in range(20):
        sender.send("set", "/a", number)
    dead.gone = True
    with pytest.raises(Busy, match="slow is not reading"):
        outcome(wire, sender.request("set", "/a", 1))
