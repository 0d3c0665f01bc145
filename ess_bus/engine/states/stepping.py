"""One step of a request under way: its commands, attempts and time-outs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from ess_bus.engine.states.checks import World, complaint, first_failing, look
from ess_bus.engine.states.model import Ask, Check, Step
from ess_bus.engine.timing import NEVER


class Progress(Enum):
    """How a step stands."""

    WAITS = "waits"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class Ticket:
    """What became of a request: under way while `ended` is false; `failure` says why it did not succeed."""

    ended: bool = False
    failure: str = ""
    _listeners: list[Callable[[str], None]] = field(default_factory=list)

    def end(self, failure: str = "") -> None:
        """Note the outcome, once."""
        if not self.ended:
            self.ended, self.failure = True, failure
            for listener in self._listeners:
                listener(failure)

    def when_ended(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the failure once it has ended, at once if it has."""
        if self.ended:
            listener(self.failure)
        else:
            self._listeners.append(listener)


class Carrier(Protocol):
    """Who carries out a step: a machine."""

    @property
    def world(self) -> World:
        """How its checks see the variables."""

    @property
    def steady_s(self) -> float:
        """The time."""

    @property
    def options(self) -> Mapping[str, Any]:
        """The machine's options."""

    def command(self, name: str, on: bool) -> None:
        """Set one of the machine's commands."""

    def may_command(self) -> str:
        """Return why nothing may be commanded now; ``""`` if it may."""

    def asked(self, ask: Ask) -> Sequence[tuple[str, Ticket]]:
        """Ask other machines; return (asset, ticket) for each of them."""


class Stepping:
    """Carries out one step.

    Args:
        step: what is to be done.
        carrier: who does it.

    Attributes:
        attempt: which attempt is under way, from 1.
        due_s: when it must be looked at again, whatever changes.
        failure: why it failed.
        tickets: what others were asked for.
    """

    def __init__(self, step: Step, carrier: Carrier) -> None:
        self.step = step
        self._carrier = carrier
        self.attempt = 0
        self.due_s = NEVER
        self.failure = ""
        self.tickets: list[tuple[str, Ticket]] = []
        self._settled_s = 0.0
        self._deadline_s = NEVER
        self._on = False

    def begin(self) -> Progress:
        """Begin it: leave it out, find it done, or command what it commands."""
        step = self.step
        if step.only_if is not None and look(step.only_if, self._carrier.world).truth is False:
            return Progress.DONE
        if step.asks:
            for ask in step.asks:
                self.tickets += self._carrier.asked(ask)
            return self.advance()
        if not step.always and step.checks and self._open() is None:
            return Progress.DONE
        return self._try()

    def advance(self) -> Progress:
        """See how it stands now."""
        now = self._carrier.steady_s
        if self.tickets and (waiting := self._others()) is not None:
            return waiting
        if self._open() is None and now >= self._settled_s:
            return Progress.DONE
        if now < self._deadline_s:
            self.due_s = self._deadline_s if now >= self._settled_s else min(self._settled_s, self._deadline_s)
            return Progress.WAITS
        if self.attempt < self.tries and not self.tickets:
            return self._try()
        self.failure = self._why()
        return Progress.FAILED

    def end(self) -> None:
        """Take its commands back."""
        if self._on:
            self._on = False
            for name in self.step.commands:
                self._carrier.command(name, False)

    @property
    def tries(self) -> int:
        """How many attempts it has."""
        return int(self._carrier.options[self.step.tries]) if self.step.tries else 1

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""
        asked = [asset for asset, ticket in self.tickets if not ticket.ended]
        if asked:
            return f"{', '.join(asked)}: {self.step.words}"
        words = " and ".join(check.words for check in self.step.checks)
        if not self.step.timeout or self.attempt == 0:
            return words
        attempt = f", attempt {self.attempt} of {self.tries}" if self.tries > 1 else ""
        return f"{words} ({self._carrier.options[self.step.timeout]:g} s{attempt})"

    def _open(self) -> tuple[Check, Any] | None:
        return first_failing(self.step.checks, self._carrier.world)

    def _others(self) -> Progress | None:
        """Return how it stands with those who were asked; ``None`` if all have done it."""
        failed = [f"{asset}: {ticket.failure}" for asset, ticket in self.tickets if ticket.ended and ticket.failure]
        if any(not ticket.ended for _, ticket in self.tickets) and (not failed or self.step.goes_on):
            return Progress.WAITS
        if failed:
            self.failure = "; ".join(failed)
            return Progress.FAILED
        if self._deadline_s == NEVER:
            # What they have seen may be not valid just now.
            self._deadline_s = self._carrier.steady_s + self._carrier.options["stale_s"]
        return None

    def _try(self) -> Progress:
        carrier, step, now = self._carrier, self.step, self._carrier.steady_s
        self.end()
        if step.commands and (reason := carrier.may_command()):
            self.failure = reason
            return Progress.FAILED
        already = self._open() is None
        self.attempt += 1
        self._deadline_s = now + (carrier.options[step.timeout] if step.timeout else 0.0)
        # What is seen now may be older than a command that is still on its way.
        self._settled_s = now + carrier.options["settle_s"] if already and step.always else now
        self._deadline_s = max(self._deadline_s, self._settled_s)
        self._on = bool(step.commands)
        for name in step.commands:
            carrier.command(name, True)
        return self.advance()

    def _why(self) -> str:
        open_ = self._open()
        found = complaint(*open_) if open_ is not None else "it did not stay so"
        if not self.step.timeout or self.tickets:
            return found
        seconds = self._carrier.options[self.step.timeout]
        return f"{found}, after {f'{self.attempt} attempts of ' if self.attempt > 1 else ''}{seconds:g} s"
