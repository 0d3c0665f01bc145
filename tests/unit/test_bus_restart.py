"""Broker core and client cores together: the broker is lost, and a new one takes its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ess_bus import control
from ess_bus.broker.lobby import MAX_FRAMES, PATIENCE_S
from ess_bus.client.core import LOST_AFTER_S, ClientCore
from ess_bus.client.pending import Pending
from ess_bus.control import Mode, Verb
from ess_bus.errors import Disconnected
from ess_bus.message import Message, encode
from tests.wire import End, Wire, ask, outcome


class TestBrokerRestart:
    def test_who_brings_everyone_back_with_what_they_subscribed(self, wire):
        owner, looker, asker = (
            wire.client("owner", "/a"),
            wire.client("looker", "/", mode=Mode.PASSIVE),
            wire.client("asker"),
        )
        wire.restart_broker()
        assert not wire.broker.clients
        wire.advance(3)
        assert sorted(client.name for client in wire.broker.clients.values()) == ["asker", "looker", "owner"]
        looker.take()
        pending = asker.request("get", "/a")
        owner.answer(owner.take()[0], 1)
        assert outcome(wire, pending).json() == 1
        assert looker.take()[0].uri == "/a"

    def test_frames_that_were_held_are_delivered_in_order_after_the_hello(self, wire):
        sender, receiver = wire.client("sender"), wire.client("receiver", "/a")
        wire.restart_broker()
        receiver.core._hello()
        wire.carry(receiver, receiver.core.outgoing.popleft())
        for number in range(20):
            sender.send(("pub", "set")[number % 2], "/a", number)
        assert receiver.queue == [frame for frame in receiver.queue if frame[:1] == control.MARK]
        assert wire.control_verbs(sender) == [Verb.WHO]
        assert receiver.bodies() == [b"%d" % number for number in range(20)]
        assert wire.broker.dropped_unknown == 0

    def test_a_request_that_was_under_way_ends_with_its_outcome_unknown(self, wire):
        owner, asker = wire.client("owner", "/a"), wire.client("asker")
        pending = asker.request("set", "/a", 1)
        wire.restart_broker()
        asker.send("pub", "/b", 1)
        with pytest.raises(Disconnected, match="the outcome of set /a is unknown"):
            outcome(wire, pending)
        assert owner.core is not asker.core

    def test_an_answer_to_it_that_comes_after_all_changes_nothing(self, wire):
        owner, asker = wire.client("owner", "/a"), wire.client("asker")
        pending = asker.request("set", "/a", 1)
        (request,) = owner.take()
        wire.restart_broker()
        wire.advance(3)
        owner.answer(request, "ok")
        wire.settle()
        with pytest.raises(Disconnected):
            pending.result()
        assert asker.take() == []

    def test_a_silent_broker_is_noticed_after_three_seconds(self, wire):
        end = wire.client("a")
        pending = end.request("get", "/a")
        end.queue.clear()
        end.silent = True
        wire.advance(LOST_AFTER_S)
        assert end.core.joined
        wire.advance(1)
        assert not end.core.joined
        with pytest.raises(Disconnected, match="stopped answering"):
            pending.result()

    def test_a_client_with_nothing_to_say_notices_the_new_broker_by_itself(self, wire):
        wire.client("quiet", "/a")
        wire.restart_broker()
        wire.advance(3)
        assert wire.broker.routes.match("set", "/a").audience

    def test_a_subscription_made_meanwhile_is_in_the_hello(self, wire):
        end = wire.client("a")
        end.silent = True
        wire.advance(5)
        assert not end.core.joined
        assert end.subscribe("/new").done
        end.silent = False
        wire.restart_broker()
        wire.advance(2)
        assert wire.broker.routes.match("set", "/new").audience

    def test_a_subscription_under_way_is_in_force_after_it_whatever_its_caller_was_told(self, wire):
        end = wire.client("a")
        wire.restart_broker()
        pending = end.subscribe("/new")
        wire.settle()
        assert pending.done
        wire.advance(3)
        assert wire.broker.routes.match("set", "/new").audience

    def test_a_flush_without_a_broker_ends_at_once(self, wire):
        end = wire.client("a")
        end.silent = True
        wire.advance(5)
        with pytest.raises(Disconnected):
            end.core.flush().result()

    def test_a_flush_means_that_all_before_it_was_handled(self, wire):
        end = wire.client("a")
        end.send("set", "/nobody", 1)
        pending = end.core.flush()
        assert not pending.done
        outcome(wire, pending)
        assert len(end.core.failures) == 1


class TestLobby:
    def stranger(self, wire: Wire) -> End:
        end = wire.connect(ClientCore("stranger", None, wire.now))
        end.reads = False
        return end

    def test_a_stranger_is_asked_who_it_is_once_and_then_each_second(self, wire):
        end = self.stranger(wire)
        for _ in range(3):
            wire.carry(end, b"pub /a\0whatever")
        assert wire.control_verbs(end) == [Verb.WHO]
        wire.broker.tick(wire.now + 1)
        assert wire.control_verbs(end) == [Verb.WHO, Verb.WHO]

    def test_what_it_sends_is_bounded_and_counted(self, wire):
        end = self.stranger(wire)
        for _ in range(MAX_FRAMES + 10):
            wire.carry(end, b"pub /a\0")
        assert wire.broker.dropped_unknown == 10

    def test_who_never_says_hello_is_forgotten(self, wire):
        end = self.stranger(wire)
        wire.carry(end, b"anything")
        wire.advance(PATIENCE_S + 2)
        assert wire.broker.dropped_unknown == 1
        end.queue.clear()
        wire.broker.tick(wire.now)
        assert end.queue == []

    def test_a_goodbye_that_comes_before_the_hello_is_not_carried_out_after_it(self, wire):
        end = self.stranger(wire)
        wire.carry(end, control.encode(Verb.BYE))
        assert wire.control_verbs(end) == []
        end.reads = True
        wire.settle()
        assert end.core.joined
        assert len(wire.broker.clients) == 1
        assert wire.broker.dropped_unknown == 0

    def test_its_frames_reach_nobody_before_its_hello(self, wire):
        receiver, end = wire.client("r", "/a"), self.stranger(wire)
        wire.carry(end, encode(Message("pub", "/a", b"1")))
        assert receiver.take() == []


class Chaos:
    """Two clients to which anything may happen; every request and what was really answered is remembered."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.owner, self.asker = self.wire.client("owner", "/a"), self.wire.client("asker")
        self.pendings: list[Pending] = []
        self.answered: set[bytes | None] = set()

    def ask(self) -> None:
        if self.asker.core.joined:
            self.pendings.append(self.asker.request("set", "/a", len(self.pendings)))

    def answer(self) -> None:
        for request in self.owner.take():
            self.answered.add(request.body)
            self.owner.answer(request, request.body)

    def restart(self) -> None:
        self.wire.restart_broker()

    def hang(self) -> None:
        self.asker.silent = True

    def resume(self) -> None:
        self.asker.silent = False

    def wait(self) -> None:
        self.wire.advance(2)

    def lag(self) -> None:
        self.owner.reads, self.owner.room = False, len(self.owner.queue)

    def read(self) -> None:
        self.owner.reads, self.owner.room = True, 1000


STEPS = [Chaos.ask, Chaos.answer, Chaos.restart, Chaos.hang, Chaos.resume, Chaos.wait, Chaos.lag, Chaos.read]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=15))
def test_whatever_happens_a_request_ends_and_only_a_real_answer_is_ok(steps):
    chaos = Chaos()
    for step in steps:
        step(chaos)
        chaos.wire.settle()
    chaos.resume()
    chaos.read()
    chaos.restart()
    chaos.wire.advance(5)
    assert chaos.asker.core.joined
    assert chaos.owner.core.joined
    for pending in chaos.pendings:
        assert pending.done
        if isinstance(pending.outcome, Message):
            assert pending.outcome.body in chaos.answered
    assert ask(chaos.wire, chaos.asker, "/bus/stats")["clients"] == 2
