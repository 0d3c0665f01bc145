"""`Courier`: brings commands and replies to whom they are for, and tells their senders when nobody got them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ess_bus.broker.clients import Client
from ess_bus.broker.dispatch import Dispatch
from ess_bus.broker.outbox import Outbox, Promise
from ess_bus.broker.returning import Command, Returning
from ess_bus.broker.routes import Routes
from ess_bus.broker.statistics import Statistics
from ess_bus.control import Verb
from ess_bus.message import REPLY_VERB, Status, address_of, split_header

if TYPE_CHECKING:
    from ess_bus.broker.gate import Gate

# Why nobody got a command: the status, and what there is to say of it.
_Problem = tuple[Status, str | None]
_NOBODY: _Problem = (Status.NO_ONE_LISTENING, None)


class Courier:
    """Delivers each command at once, or keeps it for an owner who is coming back, or reports it.

    Args:
        routes: where messages go.
        dispatch: what this burst makes due.
        statistics: where it is counted what nobody got.
        is_here: tells whether a client is still connected.
        gate: is told what became of what it let through, where a site has one.
    """

    def __init__(
        self,
        routes: Routes,
        dispatch: Dispatch,
        statistics: Statistics,
        is_here: Callable[[Client], bool],
        gate: Gate | None = None,
    ) -> None:
        self._routes = routes
        self._dispatch = dispatch
        self._statistics = statistics
        self._is_here = is_here
        self._gate = gate
        self._returning = Returning()

    def deliver(self, command: Command, now: float) -> None:
        """Deliver a command or a reply, or report to its sender that it could not be."""
        recipients = self._routes.match(command.verb, command.uri)
        promise = Promise(command.frame, command.sender, command.ticket)
        problem = self._promise(promise, recipients.audience)
        if promise.receivers:
            if self._gate is not None and command.ticket is not None:
                self._gate.routed(command.sender, command.ticket, recipients.audience, now)
        elif problem is not None:
            self._report(promise, problem)
        elif command.verb == REPLY_VERB:
            self._statistics.replies_unclaimed += 1
            self._note_failure(promise, _NOBODY)
        elif self._returning.keep(command, now):
            return  # it is looked at when it is known what becomes of it
        else:
            self._report(promise, _NOBODY)
        for outbox in recipients.listeners:
            if outbox is not command.sender.outbox:
                self._dispatch.offer(outbox, command.frame)

    def report(self, command: Command, problem: _Problem) -> None:
        """Tell the sender of a command, and the gate, that nobody got it."""
        self._report(Promise(command.frame, command.sender, command.ticket), problem)

    def abandon(self, outbox: Outbox) -> None:
        """Report what was on its way to a client that has left, where nobody else can be handed it either."""
        for promise in outbox.abandon():
            # Who is left may have been too busy for it, which is not the same as nobody.
            self._report(promise, promise.problem or _NOBODY)

    def deny(self, sender: Client, frame: bytes, reason: str) -> None:
        """Tell a sender that a message of his is not let through."""
        self._statistics.denied += 1
        self._tell_outcome(sender, frame, Status.DENIED, reason)

    def expect_owners(self, now: float) -> None:
        """A client comes from an earlier broker: for a moment, keep commands whose owners are on their way too."""
        self._returning.notice(now)

    def retry_kept(self, now: float) -> None:
        """Somebody has subscribed: what was kept may be for him."""
        for command in self._returning.release():
            self.deliver(command, now)

    def tick(self, now: float) -> None:
        """Once a second: report what was kept for owners who have not come back."""
        if self._returning.is_over(now):
            self.retry_kept(now)

    def _promise(self, promise: Promise, audience: Iterable[Outbox]) -> _Problem | None:
        """Put a command into every outbox that has room for it; return why one has not."""
        problem: tuple[Status, str] | None = None
        full: list[Outbox] = []
        for outbox in audience:
            if outbox is promise.sender.outbox:
                continue
            if outbox.is_full:
                full.append(outbox)
                problem = (Status.BUSY, outbox.client.name)
            elif reason := outbox.client.misfit(promise.frame):
                outbox.dropped += 1
                problem = (Status.DENIED, f"{outbox.client.name} cannot be given it: {reason}")
            else:
                self._dispatch.promise(outbox, promise)
        if promise.receivers:
            for outbox in full:  # its sender will not hear that this one has not got it
                outbox.lose(1)
        promise.problem = problem
        return problem

    def _report(self, promise: Promise, problem: _Problem) -> None:
        self._note_failure(promise, problem)
        if self._is_here(promise.sender):
            self._statistics.undelivered += 1
            self._tell_outcome(promise.sender, promise.frame, *problem)

    def _note_failure(self, promise: Promise, problem: _Problem) -> None:
        if self._gate is not None and promise.ticket is not None:
            self._gate.failed(promise.sender, promise.ticket, *problem)

    def _tell_outcome(self, sender: Client, frame: bytes, status: Status, detail: str | None) -> None:
        verb, target = split_header(frame[: frame.find(0)])
        self._dispatch.tell(sender, Verb.UNDELIVERED, status.value, verb, target, *address_of(frame), detail)
