"""Broker core and client cores together: receivers that do not read, and receivers that are no more."""

import pytest

from ess_bus.broker.core import STALLED_AFTER_S
from ess_bus.client import core
from ess_bus.control import Verb
from ess_bus.errors import Busy, NoOneListening
from ess_bus.message import Message, Status, encode
from tests.wire import End, Wire, outcome


class TestSlowReceivers:
    def lagging(self, wire: Wire, room: int = 3) -> tuple[End, End]:
        """Return a sender, and a subscriber of /a whose connection is full."""
        slow, sender = wire.client("slow", "/a"), wire.client("sender")
        slow.reads, slow.room = False, room
        for number in range(room):
            sender.send("pub", "/a", number)
        return slow, sender

    def test_a_command_for_a_full_connection_ends_busy(self, wire):
        _, sender = self.lagging(wire)
        with pytest.raises(Busy, match="slow is not reading") as caught:
            outcome(wire, sender.request("set", "/a", 1))
        assert (caught.value.uri, caught.value.receiver) == ("/a", "slow")

    def test_with_a_replyto_of_the_programs_own_busy_arrives_there(self, wire):
        _, sender = self.lagging(wire)
        outcome(wire, sender.subscribe("/me"))
        sender.send("set", "/a", 1, replyto="/me")
        (message,) = sender.take()
        assert message.status is Status.BUSY

    def test_others_receive_while_one_does_not_read(self, wire):
        slow, sender = self.lagging(wire)
        quick = wire.client("quick", "/a")
        sender.send("pub", "/a", 9)
        assert quick.bodies() == [b"9"]
        assert len(slow.queue) == slow.room

    def test_what_was_lost_is_counted_and_told_when_it_reads_again(self, wire):
        slow, sender = self.lagging(wire)
        for number in range(5):
            sender.send("pub", "/a", number)
        assert wire.broker.statistics.dropped == 5
        slow.reads = True
        assert slow.bodies() == [b"0", b"1", b"2"]
        sender.send("pub", "/a", 99)
        assert slow.bodies() == [b"99"]
        assert slow.core.dropped == 5
        (client,) = (c for c in wire.broker.clients.values() if c.name == "slow")
        assert (client.dropped, client.dropped_now, client.lagging_since) == (5, 0, None)

    def test_the_number_is_kept_when_there_is_no_room_to_tell_it(self, wire):
        slow, sender = self.lagging(wire)
        for number in range(5):
            sender.send("pub", "/a", number)
        slow.core.feed(slow.queue.pop(0), wire.now)  # room for one frame only
        sender.send("pub", "/a", 6)
        assert slow.core.dropped == 0
        slow.reads = True
        wire.advance(2)
        assert slow.core.dropped == 5

    def test_each_episode_is_told_once(self, wire):
        slow, sender = self.lagging(wire)
        for expected in (2, 4):
            sender.send("pub", "/a", 0)
            sender.send("pub", "/a", 0)
            slow.reads = True
            wire.advance(1)
            assert slow.core.dropped == expected
            slow.reads = False
            for number in range(slow.room):
                sender.send("pub", "/a", number)

    def test_a_connection_that_only_missed_pings_lost_nothing_and_is_told_nothing(self, wire):
        slow, _ = self.lagging(wire)
        wire.advance(3)
        slow.reads = True
        slow.queue.clear()
        wire.broker.tick(wire.now)
        assert Verb.DROPPED not in wire.control_verbs(slow)

    def test_it_is_disconnected_after_a_minute_and_comes_back_by_itself(self, wire):
        slow, sender = self.lagging(wire)
        sender.send("pub", "/a", 0)
        wire.advance(STALLED_AFTER_S - 1)
        assert len(wire.broker.clients) == 2
        wire.advance(3)
        assert len(wire.broker.clients) == 1
        with pytest.raises(NoOneListening):
            outcome(wire, sender.request("set", "/a", 1))
        slow.reads, slow.room = True, 100
        slow.take()
        wire.advance(5)
        sender.send("pub", "/a", 7)
        assert slow.bodies() == [b"7"]

    def test_a_client_that_reads_now_and_then_is_not_disconnected(self, wire):
        slow, sender = self.lagging(wire)
        for _ in range(8):
            wire.advance(STALLED_AFTER_S / 3)
            sender.send("pub", "/a", 0)
            slow.reads = True
            wire.settle()
            slow.reads = False
        assert len(wire.broker.clients) == 2

    def test_one_of_two_receivers_that_is_full_does_not_hide_that_the_other_got_it(self, wire):
        _, sender = self.lagging(wire)
        quick = wire.client("quick", "/a")
        pending = sender.request("set", "/a", 5)
        quick.answer(quick.take()[-1], 5)
        assert outcome(wire, pending).json() == 5

    def test_the_programs_own_inbox_is_bounded_and_counted(self, wire, monkeypatch):
        monkeypatch.setattr(core, "INBOX_SIZE", 100)
        end = wire.client("a", "/a")
        for _ in range(100):
            end.core.feed(encode(Message("pub", "/a", b"")), wire.now)
        end.core.feed(encode(Message("pub", "/last", b"")), wire.now)
        assert len(end.core.inbox) == 100
        assert end.core.inbox[-1].uri == "/last"
        assert end.core.dropped == 1


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
