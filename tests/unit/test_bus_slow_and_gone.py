"""Broker core and client cores together: receivers that do not read, and receivers that are no more."""

import pytest

from ess_bus.broker.limits import Limits
from ess_bus.control import Verb
from ess_bus.errors import Busy, NoOneListening
from ess_bus.message import Message, Status
from tests.wire import End, Wire, outcome


LIMITS = Limits(queue_messages=8, queue_bytes=4000, max_message=2000)


@pytest.fixture
def wire() -> Wire:
    """A broker that keeps little for a client that lags."""
    return Wire(LIMITS)


def lagging(wire: Wire, *uris: str) -> tuple[End, End]:
    """Return a sender, and a subscriber whose connection takes nothing."""
    slow, sender = wire.client("slow", *(uris or ("/a",))), wire.client("sender")
    slow.reads, slow.room = False, 0
    return slow, sender


def read_again(wire: Wire, slow: End) -> None:
    slow.reads, slow.room = True, 1000
    wire.broker.retry(wire.now)
    wire.settle()


class TestSlowReceivers:
    def fill_with_commands(self, sender: End) -> None:
        for number in range(LIMITS.queue_messages + 2):
            sender.send("set", "/a", number)

    def test_what_fits_into_the_queue_waits_in_order_and_nothing_is_lost(self, wire):
        slow, sender = lagging(wire)
        for number, method in enumerate(["pub", "set", "pub", "pub", "post", "pub"]):
            sender.send(method, "/a", number)
        read_again(wire, slow)
        assert [message.json() for message in slow.take()] == [0, 1, 2, 3, 4, 5]
        assert (slow.core.dropped, wire.broker.totals().dropped) == (0, 0)

    def test_then_the_newest_pub_of_each_uri_is_kept_and_every_command(self, wire):
        slow, sender = lagging(wire)
        for number in range(20):
            sender.send("pub", f"/a/{number % 2}", number)
            if number in (3, 11):
                sender.send("set", "/a/0", f"set {number}")
        read_again(wire, slow)
        found = slow.take()
        assert [m.json() for m in found if m.method == "set"] == ["set 3", "set 11"]
        last = {message.uri: message.json() for message in found if message.method == "pub"}
        assert last == {"/a/0": 18, "/a/1": 19}
        assert len(found) + slow.core.dropped == 22
        assert wire.broker.totals().dropped == slow.core.dropped > 0

    def test_the_order_of_what_is_kept_is_the_order_in_which_it_was_sent(self, wire):
        slow, sender = lagging(wire)
        for number in range(40):
            sender.send("set" if number % 7 == 0 else "pub", f"/a/{number % 3}", number)
        read_again(wire, slow)
        found = [message.json() for message in slow.take()]
        assert found == sorted(found)

    def test_the_gap_is_told_before_what_comes_after_it(self, wire):
        slow, sender = lagging(wire)
        for number in range(20):
            sender.send("pub", "/a", number)
        read_again(wire, slow)
        slow.take()
        assert slow.core.gaps == 2  # the welcome and this
        sender.send("pub", "/a", 99)
        assert slow.bodies() == [b"99"]
        assert slow.core.gaps == 2

    def test_distinct_uris_beyond_the_bounds_lose_the_oldest(self, wire):
        slow, sender = lagging(wire)
        for number in range(30):
            sender.send("pub", f"/a/{number}", number)
        read_again(wire, slow)
        found = [message.json() for message in slow.take()]
        assert found[-1] == 29
        assert found == sorted(found)
        assert len(found) + slow.core.dropped == 30

    def test_the_queue_is_bounded_in_bytes_too(self, wire):
        slow, sender = lagging(wire)
        for number in range(50):
            sender.send("pub", f"/a/{number % 5}", b"x" * 1500)
            (client,) = (c for c in wire.broker.clients.values() if c.name == "slow")
            assert client.outbox.depth[1] <= LIMITS.queue_bytes + 1600  # one frame may be packed already
        read_again(wire, slow)
        assert len(slow.take()) + slow.core.dropped == 50

    def test_a_command_that_finds_the_queue_full_of_commands_ends_busy(self, wire):
        _, sender = lagging(wire)
        self.fill_with_commands(sender)
        with pytest.raises(Busy, match="slow is not reading") as caught:
            outcome(wire, sender.request("set", "/a", 1))
        assert (caught.value.uri, caught.value.receiver) == ("/a", "slow")
        assert caught.value.outcome == "not delivered"

    def test_with_a_replyto_of_the_programs_own_busy_arrives_there(self, wire):
        _, sender = lagging(wire)
        self.fill_with_commands(sender)
        outcome(wire, sender.subscribe("/me"))
        sender.send("set", "/a", 1, replyto="/me")
        (message,) = sender.take()
        assert message.status is Status.BUSY

    def test_a_reply_that_finds_the_queue_full_is_reported_to_who_answered(self, wire):
        slow, sender = lagging(wire, "/a", "/me")
        self.fill_with_commands(sender)
        sender.answer(Message("get", "/x", None, "/me"), 5)
        wire.settle()
        (failure,) = sender.core.failures
        assert isinstance(failure, Busy)

    def test_no_command_is_lost_without_its_sender_being_told(self, wire):
        slow, sender = lagging(wire)
        pending = [sender.request("set", "/a", number) for number in range(30)]
        wire.settle()
        busy = [number for number, one in enumerate(pending) if one.done]
        read_again(wire, slow)
        received = [message.json() for message in slow.take()]
        assert sorted(received + busy) == list(range(30))
        assert busy
        assert received

    def test_pubs_do_not_keep_commands_out(self, wire):
        slow, sender = lagging(wire)
        for number in range(40):
            sender.send("pub", f"/a/{number}", number)
        sender.send("set", "/a", "go")
        read_again(wire, slow)
        assert slow.take()[-1].json() == "go"

    def test_others_receive_while_one_does_not_read(self, wire):
        slow, sender = lagging(wire)
        quick = wire.client("quick", "/a")
        for number in range(50):
            sender.send("pub", "/a", number)
        assert quick.bodies() == [b"%d" % number for number in range(50)]
        assert slow.queue == []

    def test_each_episode_is_told_once(self, wire):
        slow, sender = lagging(wire)
        for expected in (1, 2):
            for number in range(20):
                sender.send("pub", "/a", number)
            read_again(wire, slow)
            slow.take()
            assert slow.core.gaps == 1 + expected
            slow.reads, slow.room = False, 0

    def test_a_client_that_confirms_nothing_is_sent_no_more_than_the_window(self):
        wire = Wire(Limits(window_bytes=10_000))
        slow, sender = wire.client("slow", "/a"), wire.client("sender")
        slow.reads = False
        for _ in range(100):
            sender.send("pub", "/a", b"x" * 1000)
        assert 10_000 <= sum(map(len, slow.queue)) <= 12_000
        slow.reads = True
        wire.advance(1)
        assert len(slow.take()) == 100
        assert wire.broker.is_holding is False

    def test_a_connection_that_only_missed_pings_lost_nothing_and_is_told_nothing(self, wire):
        slow, _ = lagging(wire)
        wire.advance(3)
        slow.reads, slow.room = True, 1000
        wire.broker.tick(wire.now)
        assert Verb.DROPPED not in wire.control_verbs(slow)

    def test_it_is_disconnected_after_a_minute_and_comes_back_by_itself(self, wire):
        slow, sender = lagging(wire)
        sender.send("pub", "/a", 0)
        wire.advance(LIMITS.stalled_after_s - 1)
        assert len(wire.broker.clients) == 2
        wire.advance(3)
        assert len(wire.broker.clients) == 1
        assert wire.broker.totals().dropped == 1
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", "/a", 1))
        slow.reads, slow.room = True, 100
        slow.take()
        wire.advance(5)
        sender.send("pub", "/a", 7)
        assert slow.bodies() == [b"7"]

    def test_what_waited_for_one_that_is_disconnected_is_reported_to_its_senders(self, wire):
        _, sender = lagging(wire)
        pending = sender.request("set", "/a", 1)
        sender.send("set", "/a", 2)
        wire.advance(LIMITS.stalled_after_s + 2)
        with pytest.raises(NoOneListening):
            outcome(wire, pending)
        assert [str(error) for error in sender.core.failures] == ["no one is listening on /a (set not delivered)"]

    def test_a_client_that_reads_now_and_then_is_not_disconnected(self, wire):
        slow, sender = lagging(wire)
        for _ in range(8):
            wire.advance(LIMITS.stalled_after_s / 3)
            sender.send("pub", "/a", 0)
            read_again(wire, slow)
            slow.reads, slow.room = False, 0
        assert len(wire.broker.clients) == 2

    def test_one_of_two_receivers_that_is_full_does_not_hide_that_the_other_got_it(self, wire):
        _, sender = lagging(wire)
        self.fill_with_commands(sender)
        quick = wire.client("quick", "/a")
        pending = sender.request("set", "/a", 5)
        quick.answer(quick.take()[-1], 5)
        assert outcome(wire, pending).json() == 5

    def test_a_command_that_one_of_two_receivers_was_handed_is_not_reported_when_the_other_is_gone(self, wire):
        slow, sender = lagging(wire)
        quick = wire.client("quick", "/a")
        sender.send("set", "/a", 5)
        slow.gone = True
        wire.advance(2)
        assert quick.bodies() == [b"5"]
        assert not sender.core.failures


class TestGoneClients:
    def test_its_uris_are_nobodys_as_soon_as_a_frame_for_it_fails(self, wire):
        gone, sender = wire.client("gone", "/a"), wire.client("sender")
        gone.gone = True
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("get", "/a"))
        assert [client.name for client in wire.broker.clients.values()] == ["sender"]

    def test_it_is_noticed_within_a_tick_even_if_nobody_talks_to_it(self, wire):
        gone = wire.client("gone", "/a")
        gone.gone = True
        wire.advance(1)
        assert not wire.broker.clients
        assert not wire.broker.routes.match("set", "/a").audience

    def test_a_client_that_lagged_and_went_is_gone_and_not_busy(self, wire):
        slow, sender = wire.client("slow", "/a"), wire.client("sender")
        slow.reads, slow.room = False, 0
        sender.send("pub", "/a", 0)
        slow.gone = True
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", "/a", 1))

    def test_the_others_still_receive(self, wire):
        ends = [wire.client(str(number), "/a") for number in range(4)]
        sender = wire.client("sender")
        ends[1].gone = ends[2].gone = True
        sender.send("pub", "/a", 1)
        assert [ends[0].bodies(), ends[3].bodies()] == [[b"1"], [b"1"]]
        assert len(wire.broker.clients) == 3

    def test_nothing_is_left_of_it(self, wire):
        before = wire.client("stays")
        for number in range(5):
            end = wire.client(f"goes {number}", f"/a/{number}/b", "/c")
            end.gone = True
        wire.advance(1)
        assert [client.name for client in wire.broker.clients.values()] == ["stays"]
        assert list(wire.broker.routes._root.children) == ["_reply"]
        assert before.core.joined


class TestObituaries:
    def news(self, watcher: End) -> list[object]:
        return [message.json() for message in watcher.take() if b"gone" in (message.body or b"")]

    def test_an_announced_process_that_is_gone_is_missed_at_the_next_tick(self, wire):
        watcher, process = wire.client("watcher", "/processes"), wire.client("bridge")
        outcome(wire, process.core.announce({"pid": 1}))
        process.gone = True
        wire.broker.tick(wire.now)
        assert self.news(watcher) == [{"name": "bridge", "gone": True}]

    def test_one_that_says_goodbye_is_missed_too(self, wire):
        watcher, process = wire.client("watcher", "/processes"), wire.client("bridge")
        outcome(wire, process.core.announce({"pid": 1}))
        wire.carry(process, process.core.farewell())
        wire.broker.tick(wire.now)
        assert self.news(watcher) == [{"name": "bridge", "gone": True}]

    def test_one_that_has_come_back_is_not(self, wire):
        watcher, process = wire.client("watcher", "/processes"), wire.client("bridge")
        outcome(wire, process.core.announce({"pid": 1}))
        wire.carry(process, process.core.farewell())
        outcome(wire, wire.client("bridge").core.announce({"pid": 2}))
        wire.broker.tick(wire.now)
        assert self.news(watcher) == []

    def test_nobody_misses_who_was_never_announced(self, wire):
        watcher, passer_by = wire.client("watcher", "/processes"), wire.client("fims_send")
        passer_by.gone = True
        wire.broker.tick(wire.now)
        assert self.news(watcher) == []
