"""`Work`: the request under way of one machine: its steps, its end, and what people are told of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ess_bus.engine.alarms import ListKind
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.checks import complaint, first_failing
from ess_bus.engine.states.group import View
from ess_bus.engine.states.host import Host
from ess_bus.engine.states.model import Ask, Of, Request, State, Step, Table
from ess_bus.engine.states.repeating import Repetition
from ess_bus.engine.states.resuming import Resumption
from ess_bus.engine.states.stepping import Progress, Stepping, Ticket
from ess_bus.engine.states.watching import Watch
from ess_bus.engine.timing import NEVER
from ess_bus.reference import Reference

FAULTS: Final[ListKind] = "faults"
ALARMS: Final[ListKind] = "alarms"


class Work:
    """The state of an asset, and the request that is carried out for it.

    Args:
        asset: whose it is.
        table: what it obeys.
        world: how its checks see the variables.
        host: who runs it.

    Attributes:
        state: its state.
        since_s: when that began, in seconds since 1970.
        request: what is under way; ``None`` is nothing.
        result: the last outcome, in words.
        lacks: what is lacking in Running so that there is power, in words.
        starts: how often it was started; that devices were found running is no start.
        step_since_s: when the step under way began, in seconds since 1970.
        due_s: when it must be looked at again, whatever changes.
    """

    def __init__(self, asset: str, table: Table, world: View, host: Host) -> None:
        self.asset, self.table, self.world = asset, table, world
        self._host = host
        self.state = State.INIT
        self.since_s = self.step_since_s = host.now_s
        self.request: Request | None = None
        self.result = ""
        # Why it does what it does, or is in Fault: what is refused meanwhile does not change that.
        self._why = ""
        self.lacks = ""
        self.starts = 0
        self.due_s = NEVER
        self._ticket = Ticket(True)
        self._step: Stepping | None = None
        self._next = 0
        self._notes: list[str] = []
        self._watch = Watch()
        # What takes the plant down, and waits for something else that does.
        self._waiting: list[tuple[Request, Ticket]] = []
        self._resumption: Resumption | None = None
        self._repetition = Repetition()
        # Whether what is under way is a repetition, of which people know; and the state of which they do.
        self._is_quiet = False
        self._hidden: State | None = None

    # -- what a step needs ---------------------------------------------------------------------------------------------

    @property
    def step(self) -> str:
        """What is being done, in words."""
        return "" if self._step is None else self._step.step.words

    @property
    def steady_s(self) -> float:
        """The time."""
        return self._host.steady_s

    @property
    def options(self) -> Mapping[str, Any]:
        """Its options."""
        return self.world.options[self.asset]

    def command(self, name: str, on: bool) -> None:
        """Set one of its commands."""
        self._host.put(Reference(f"/controls/{self.asset}", name), on)

    def may_command(self) -> str:
        """Return why nothing may be commanded now: what must hold during the request must be known to hold."""
        keeps = () if self.request is None else self.request.keeps
        failing = first_failing((guard.check for guard in (*self.table.always, *keeps)), self.world)
        return "" if failing is None else complaint(*failing)

    def asked(self, ask: Ask) -> Sequence[tuple[str, Ticket]]:
        """Ask other machines; return (asset, ticket) for each of them."""
        return [
            (asset, self._host.machine(asset).ask(ask.request, quiet=self._is_quiet))
            for asset in self.world.assets(ask.of)
        ]

    # -- inside --------------------------------------------------------------------------------------------------------

    def note(self, text: str, severity: Severity) -> None:
        """Tell people of something that is the last outcome for now."""
        self.result = text
        self._host.tell(self.asset, text, severity)

    def _begin(self, request: Request, why: str, ticket: Ticket | None = None, *, quiet: bool = False) -> Ticket:
        if self.request is not None:
            self._drop(f"{self.request.name} ended by {request.name}")
        self.request, self._next, self._notes, self._resumption = request, 0, [], None
        self._ticket = ticket = ticket or Ticket()
        self._is_quiet = quiet
        if not quiet:
            self.result = self._why = why
        self._change(request.during or self.state, why)
        if request.calls_off:
            for asset in (*self.world.assets(Of.EVERY_BMS), *self.world.assets(Of.EVERY_PCS)):
                self._host.machine(asset).call_off()
        return ticket

    def _drop(self, why: str) -> None:
        """End what is under way, with everything that others do for it."""
        self._end_step()
        self.request = None
        self._ticket.end(why)
        self._conclude(why, Severity.INFO)
        self._is_quiet = False
        self._end_waiting(why)

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.end()
            for asset, ticket in self._step.tickets:
                self._host.machine(asset).cancel(ticket)
            self._step = None

    def _end_waiting(self, why: str) -> None:
        waiting, self._waiting = self._waiting, []
        for _, ticket in waiting:
            ticket.end(why)

    def _advance(self) -> None:
        request = self.request
        while request is not None and self.request is request:
            progress = self._begin_step(request) if self._step is None else self._step.advance()
            if self._step is None or progress is Progress.WAITS:
                break
            step, failure = self._step.step, self._step.failure
            self._end_step()
            if progress is Progress.FAILED and not step.goes_on:
                self._fail(request, step, failure)
            elif progress is Progress.FAILED:
                self._notes.append(f"{step.words}: {failure}")
        if self._step is not None:
            self.due_s = min(self.due_s, self._step.due_s)

    def _begin_step(self, request: Request) -> Progress:
        if self._next >= len(request.steps):
            self._succeed(request)
            return Progress.DONE
        step = request.steps[self._next]
        self._next += 1
        self.step_since_s = self._host.now_s
        if step.takes_back:
            self._host.take_back(self.asset, FAULTS)
        self._step = Stepping(step, self)
        return self._step.begin()

    def _succeed(self, request: Request) -> None:
        self.request = None
        self.starts += request.ends_in is State.RUNNING
        failures = f"; but {'; '.join(self._notes)}" if self._notes else ""
        done = f"{request.name}: done" if self._why == f"{request.name}: under way" else self._why
        self._change(request.ends_in or self.state, request.words)
        self._conclude(f"{done}{failures}", Severity.ALARM if failures else Severity.INFO)
        if failures and not self._is_quiet:
            self._list(f"{done}{failures}", self.state is State.FAULT)
        self._is_quiet = False
        self._ticket.end()
        if self._waiting:
            following, ticket = self._waiting.pop(0)
            self._begin(following, f"{following.name}: under way", ticket)

    def _fail(self, request: Request, step: Step, failure: str) -> None:
        text = f"{request.name} failed: {step.words}: {failure}"
        self.request = None
        self._conclude(text, Severity.ALARM)
        if not self._is_quiet:
            self._why = text
            self._list(text, self.state is State.FAULT or request.or_else == "trip")
        self._is_quiet = False
        self._ticket.end(failure)
        self._end_waiting(text)
        if request.or_else:
            self._begin(self.table.request(request.or_else), text)

    def _change(self, state: State, why: str) -> None:
        if state is self.state:
            return
        if self.state is State.FAULT:
            self._watch.forget()
            self._repetition.end()
        known, self.state, self.since_s = self._hidden or self.state, state, self._host.now_s
        self._hidden = known if self._is_quiet else None
        if state is not known and not self._is_quiet:
            text = f"{known} -> {state}" + (f": {why}" if why else "")
            self._host.tell(self.asset, text, Severity.FAULT if state is State.FAULT else Severity.STATUS)

    def _list(self, text: str, is_fault: bool) -> None:
        """Put a message into a list. Devices have faults of their own; that a request failed there is an alarm."""
        self._host.list_message(self.asset, FAULTS if is_fault and self.table.power else ALARMS, text)

    def _conclude(self, text: str, severity: Severity) -> None:
        """Tell people of an outcome, but for that of a repetition."""
        if not self._is_quiet:
            self.note(text, severity)
