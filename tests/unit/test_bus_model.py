"""Broker core and client cores against a model of who must receive what, while receivers lag, leave and die.

The model knows subscriptions and nothing else. Every message has its own number, so that what is taken can be traced:
who read all along has received exactly what the model says, in that order; who did not has received part of it in that
order, every command that was not refused, the newest pub of each URI, and has been told how many it lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ess_bus.broker.limits import Limits
from ess_bus.client.pending import Pending
from ess_bus.control import Mode, Subscriptions
from ess_bus.errors import Busy, NoOneListening
from ess_bus.message import Message
from ess_bus.uri import is_under, normal
from tests.wire import End, Wire, outcome

URIS = ["/a", "/a/b", "/a/b/", "/a//b/c", "/ab", "/c", "/"]
LIMITS = Limits(queue_messages=6, queue_bytes=4000, max_message=2000, stalled_after_s=1e9)
MOST_CLIENTS = 5
subscriptions = st.dictionaries(st.sampled_from(URIS), st.sampled_from(Mode), min_size=1, max_size=3)


@dataclass(eq=False)
class Actor:
    """A client, and what the model knows of it.

    Attributes:
        expected: the numbers of the messages for it, in order.
        lagged: whether it ever did not read.
        left: whether it has closed or died.
    """

    end: End
    subscriptions: Subscriptions = field(default_factory=dict)
    expected: list[int] = field(default_factory=list)
    taken: list[Message] = field(default_factory=list)
    unanswered: list[Message] = field(default_factory=list)
    lagged: bool = False
    left: bool = False

    def modes(self, uri: str) -> set[Mode]:
        return {mode for prefix, mode in self.subscriptions.items() if is_under(uri, prefix)}

    def gets(self, method: str, uri: str) -> bool:
        return bool(self.modes(uri) & ({Mode.ALL, Mode.PASSIVE} if method != "pub" else set(Mode)))

    def handles(self, uri: str) -> bool:
        return Mode.ALL in self.modes(uri)


@dataclass(eq=False)
class Command:
    number: int
    uri: str
    sender: Actor
    pending: Pending
    audience: list[Actor]
    answers: list[int] = field(default_factory=list)


def number_of(message: Message) -> int:
    return int(message.body or b"-1")


class Bus(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.wire = Wire(LIMITS)
        self.actors: list[Actor] = []
        self.commands: dict[int, Command] = {}
        # The URI of each pub, as it was written.
        self.pubs: dict[int, str] = {}
        # Who gave each answer, and where to.
        self.replies: dict[int, tuple[Actor, str]] = {}
        self.number = 0

    # -- who is there ----------------------------------------------------------------------------------------------

    def pick(self, index: int, reading: bool = True) -> Actor:
        """Return one of the actors that are there and, if wanted, read."""
        there = [actor for actor in self.actors if not actor.left and (actor.end.reads or not reading)]
        return there[index % len(there)]

    @property
    def readers(self) -> int:
        return sum(not actor.left and actor.end.reads for actor in self.actors)

    @initialize(wanted=st.lists(subscriptions, min_size=3, max_size=3))
    def begin(self, wanted: list[Subscriptions]) -> None:
        for one in wanted:
            self.join(one)

    @precondition(lambda self: sum(not actor.left for actor in self.actors) < MOST_CLIENTS)
    @rule(wanted=subscriptions)
    def join(self, wanted: Subscriptions) -> None:
        actor = Actor(self.wire.client(f"client {len(self.actors)}"))
        self.actors.append(actor)
        self.subscribe_to(actor, wanted)

    @precondition(lambda self: self.readers > 3)
    @rule(index=st.integers(0, 9), says_goodbye=st.booleans())
    def leave(self, index: int, says_goodbye: bool) -> None:
        actor = self.pick(index)
        self.take(actor)
        goodbye = actor.end.core.farewell() if says_goodbye else None
        if goodbye is not None:
            self.wire.carry(actor.end, goodbye)
        actor.left = actor.end.gone = True

    @precondition(lambda self: self.readers > 3)
    @rule(index=st.integers(0, 9))
    def die_without_reading(self, index: int) -> None:
        actor = self.pick(index)
        actor.end.reads, actor.end.room = False, len(actor.end.queue)
        actor.lagged = actor.left = actor.end.gone = True

    @precondition(lambda self: self.readers > 1)
    @rule(index=st.integers(0, 9), room=st.integers(1, 3))
    def lag(self, index: int, room: int) -> None:
        actor = self.pick(index)
        actor.end.reads, actor.end.room = False, room
        actor.lagged = True

    @precondition(lambda self: any(not actor.end.reads and not actor.left for actor in self.actors))
    @rule()
    def read_again(self) -> None:
        actor = next(actor for actor in self.actors if not actor.end.reads and not actor.left)
        actor.end.reads, actor.end.room = True, 1_000_000
        self.wire.advance(1)
        self.take(actor)

    @rule()
    def second_passes(self) -> None:
        self.wire.advance(1)

    # -- what they do ----------------------------------------------------------------------------------------------

    @rule(index=st.integers(0, 9), uri=st.sampled_from(URIS), mode=st.sampled_from(Mode))
    def subscribe(self, index: int, uri: str, mode: Mode) -> None:
        actor = self.pick(index)
        pending = actor.end.subscribe(uri, mode=mode)
        outcome(self.wire, pending)
        actor.subscriptions[normal(uri)] = mode

    @rule(index=st.integers(0, 9), uri=st.sampled_from(URIS))
    def unsubscribe(self, index: int, uri: str) -> None:
        actor = self.pick(index)
        outcome(self.wire, actor.end.unsubscribe(uri))
        actor.subscriptions.pop(normal(uri), None)

    @rule(index=st.integers(0, 9), wanted=subscriptions)
    def replace(self, index: int, wanted: Subscriptions) -> None:
        self.subscribe_to(self.pick(index), wanted)

    def subscribe_to(self, actor: Actor, wanted: Subscriptions) -> None:
        outcome(self.wire, actor.end.core.subscribe(actor.end.inbox, wanted))
        actor.subscriptions = {normal(uri): mode for uri, mode in wanted.items()}

    @rule(index=st.integers(0, 9), uri=st.sampled_from(URIS), times=st.integers(1, 8))
    def publish(self, index: int, uri: str, times: int) -> None:
        actor = self.pick(index)
        for _ in range(times):
            number = self.expect(actor, "pub", uri)
            self.pubs[number] = uri
            actor.end.send("pub", uri, number)

    @rule(index=st.integers(0, 9), uri=st.sampled_from(URIS), method=st.sampled_from(["set", "get", "post", "del"]))
    def request(self, index: int, uri: str, method: str) -> None:
        actor = self.pick(index)
        audience = [other for other in self.others(actor) if other.handles(uri)]
        number = self.expect(actor, method, uri)
        pending = actor.end.request(method, uri, number)
        self.commands[number] = Command(number, uri, actor, pending, audience)

    @precondition(lambda self: any(not actor.end.reads and not actor.left for actor in self.actors))
    @rule(uris=st.lists(st.sampled_from(URIS), min_size=6, max_size=14), method=st.sampled_from(["pub", "set", "both"]))
    def flood(self, uris: list[str], method: str) -> None:
        """More than fits into the queue of one that does not read."""
        for number, uri in enumerate(uris):
            if method == "pub" or (method == "both" and number % 2):
                self.publish(0, uri, 1)
            else:
                self.request(0, uri, "set")

    @rule(index=st.integers(0, 9))
    def answer(self, index: int) -> None:
        actor = self.pick(index)
        self.take(actor)
        if not actor.unanswered:
            return
        request = actor.unanswered.pop(0)
        command = self.commands[number_of(request)]
        assert request.replyto is not None
        number = self.expect(actor, "set", request.replyto)
        self.replies[number] = actor, request.replyto
        command.answers.append(number)
        actor.end.answer(request, number)

    def others(self, actor: Actor) -> list[Actor]:
        return [other for other in self.actors if other is not actor and not other.left]

    def expect(self, sender: Actor, method: str, uri: str) -> int:
        self.number += 1
        for other in self.others(sender):
            if other.gets(method, uri):
                other.expected.append(self.number)
        return self.number

    def take(self, actor: Actor) -> None:
        for message in actor.end.take():
            actor.taken.append(message)
            if message.method != "pub" and not message.is_reply and actor.handles(message.uri):
                actor.unanswered.append(message)

    # -- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def who_reads_receives_exactly_what_is_for_it(self) -> None:
        self.wire.settle()
        for actor in self.actors:
            if not actor.lagged:
                if not actor.left:
                    self.take(actor)
                assert [number_of(message) for message in actor.taken] == actor.expected
                assert actor.end.core.dropped == actor.end.core.garbage == 0

    @invariant()
    def an_answer_is_the_first_that_somebody_gave_to_this_request(self) -> None:
        for command in self.commands.values():
            found = command.pending.outcome
            if isinstance(found, Message):
                # An answer that a full queue had no room for never came; the next one may have.
                possible = command.answers if command.sender.lagged else command.answers[:1]
                assert number_of(found) in possible
                assert found.token is None

    @invariant()
    def what_a_client_costs_is_bounded(self) -> None:
        for client in self.wire.broker.clients.values():
            assert client.outbox.depth[0] <= LIMITS.queue_messages + 10

    def teardown(self) -> None:
        for actor in self.actors:
            if not actor.left:
                actor.end.reads, actor.end.room = True, 1_000_000
        self.wire.advance(3)
        for actor in self.actors:
            if not actor.left:
                self.take(actor)
        for actor in self.actors:
            self.check_what_was_taken(actor)
        for command in self.commands.values():
            self.check_outcome(command)

    def check_what_was_taken(self, actor: Actor) -> None:
        found = [number_of(message) for message in actor.taken]
        wanted = set(actor.expected)
        # Nothing that is not for it, nothing twice, everything in order.
        assert found == [number for number in actor.expected if number in set(found)]
        assert set(found) <= wanted
        if actor.left:
            return
        missed = [number for number in actor.expected if number not in set(found)]
        refused = [number for number in missed if self.was_refused(number, actor)]
        accounted = len(found) + len(refused) + actor.end.core.dropped
        # What it missed while another had it is counted, even if that one died before it was handed it.
        # Answers to it, and what became of what it sent itself, are counted too if its full queue had no room for them.
        answers = [number for one in self.commands.values() if one.sender is actor for number in one.answers]
        own = [number for number, one in self.commands.items() if one.sender is actor]
        given = [number for number, (owner, _) in self.replies.items() if owner is actor]
        others = len({*answers, *own, *given} - set(actor.expected)) + len(refused) if actor.lagged else 0
        assert len(actor.expected) <= accounted <= len(actor.expected) + others
        if not answers:
            self.check_newest(actor, found)

    def was_refused(self, number: int, actor: Actor) -> bool:
        """Tell whether a command or an answer came back to its sender, so that it is not lost and not counted."""
        if number in self.commands:
            command = self.commands[number]
            return actor in command.audience and isinstance(command.pending.outcome, Busy)
        owner, replyto = self.replies.get(number, (None, ""))
        return owner is not None and any(getattr(error, "uri", "") == replyto for error in owner.end.core.failures)

    def check_newest(self, actor: Actor, found: list[int]) -> None:
        """The last pub of each URI is there, or of as many URIs as there is room for, unless commands took it."""
        if all(number in self.pubs for number in actor.expected):
            newest = {self.pubs[number]: number for number in actor.expected}
            assert set(sorted(newest.values())[-LIMITS.queue_messages :]) <= set(found)

    def check_outcome(self, command: Command) -> None:
        if command.sender.left:
            return
        found = command.pending.outcome if command.pending.done else None
        takers = [a for a in self.actors if command.number in map(number_of, a.taken) and a in command.audience]
        if isinstance(found, Message):
            assert takers
        elif isinstance(found, NoOneListening):
            assert not [actor for actor in takers if not actor.left]
            assert all(actor.left for actor in command.audience), "busy is not the same as nobody"
        elif isinstance(found, Busy):
            assert not takers
            assert any(actor.lagged for actor in command.audience)
        else:
            assert found is None
            # Somebody has it and has not answered, or had it in hand when it left.
            assert takers or any(actor.left for actor in command.audience)


# What fails is made small before it is shown, and that takes longer than other tests may.
TestBus = pytest.mark.timeout(600)(Bus.TestCase)
TestBus.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
