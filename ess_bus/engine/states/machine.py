"""`Machine`: carries out one table for one asset: guards, requests, steps, and what devices do by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ess_bus.engine.alarms import ListKind
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.checks import Finding, complaint, first_failing
from ess_bus.engine.states.group import View
from ess_bus.engine.states.host import Host
from ess_bus.engine.states.model import Ask, Guard, Of, Request, State, Step, Table
from ess_bus.engine.states.stepping import Progress, Stepping, Ticket
from ess_bus.engine.states.watching import Watch
from ess_bus.engine.timing import NEVER
from ess_bus.reference import Reference

FAULTS: Final[ListKind] = "faults"
ALARMS: Final[ListKind] = "alarms"


class Machine:
    """The state of an asset, and what is being done about it.

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
        self.due_s = NEVER
        self._ticket = Ticket(True)
        self._step: Stepping | None = None
        self._next = 0
        self._notes: list[str] = []
        self._watch = Watch()

    # -- what others want ------------------------------------------------------------------------------------------

    def ask(self, name: str, in_person: bool = False) -> Ticket:
        """Ask for a request; the ticket tells what becomes of it, and why it is refused if it is."""
        request = self.table.request(name)
        if self.request is request:
            return self._ticket
        if self.request is None and self._is_done(request):
            self._conclude(f"{name}: it is {self.state} already", Severity.INFO)
            return Ticket(True)
        why = self.why_not(name, in_person)
        if why:
            self.refuse(name, why)
            return Ticket(True, why)
        if request.upward:
            self._host.take_back(self.asset, ALARMS)
        if request.ends_in is State.FAULT and self.state is not State.FAULT:
            self._list(f"asked to {request.words}", True)
        return self._begin(request, f"{name}: under way")

    def why_not(self, name: str, in_person: bool = False) -> str:
        """Return why a request would be refused now; ``""`` if it would not."""
        request = self.table.request(name)
        if self.request is not None and self.request.name not in request.interrupts:
            return f"{self.request.name} is under way"
        if self.state not in request.source or self._is_done(request):
            possible = ", ".join(state for state in State if state in request.source)
            reason = f" ({self._why})" if self.state is State.FAULT and self._why else self._what_is_missing()
            return f"it is in {self.state}{reason}; possible in {possible}"
        needed = (*request.requires, *(request.in_person if in_person else ()))
        failing = first_failing(needed, self.world)
        return "" if failing is None else complaint(*failing)

    def refuse(self, name: str, why: str) -> None:
        """Refuse a request for a reason of those who pass it on."""
        self._conclude(f"{name} refused: {why}", Severity.STATUS)

    def call_off(self) -> None:
        """End what brings the device closer to power, whoever has asked for it."""
        if self.request is not None and self.request.upward:
            self._drop(f"{self.request.name} called off")

    def cancel(self, ticket: Ticket) -> None:
        """Call off what was asked for with a ticket, if it is still under way."""
        if self.request is not None and self._ticket is ticket:
            self._drop(f"{self.request.name} called off")

    # -- a turn ----------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Look at everything once: guards first, then the step under way, then what devices did by themselves."""
        self.due_s = NEVER
        self._look_on()
        if self.request is not None:
            self._advance()
        if self.request is None:
            self._follow()

    @property
    def step(self) -> str:
        """What is being done, in words."""
        return "" if self._step is None else self._step.step.words

    @property
    def waits_for(self) -> str:
        """What is waited for, in words."""
        if self._step is not None:
            return self._step.waits_for
        return self._what_is_missing().strip(" ()")

    # -- what a step needs -----------------------------------------------------------------------------------------

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
        return [(asset, self._host.machine(asset).ask(ask.request)) for asset in self.world.assets(ask.of)]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _is_done(self, request: Request) -> bool:
        return self.state in request.done_in and first_failing(request.done_if, self.world) is None

    def _look_on(self) -> None:
        """Begin what a guard asks for that does not hold."""
        keeps = self.table.keeps.get(self.state, ()) if self.request is None else self.request.keeps
        # What is not known yet after a start is waited for.
        waits = self.state is State.INIT and self.request is None
        patience_s = NEVER if waits else self.options["stale_s"]
        guards = (*self.table.always, *keeps)
        for guard, finding, is_news in self._watch.broken(guards, self.world, self.steady_s, patience_s):
            # In Fault, what is wrong anyway asks for nothing more.
            if (is_news or self.state is not State.FAULT) and self._broken(guard, finding, is_news):
                break
        self.due_s = min(self.due_s, self._watch.due_s)

    def _broken(self, guard: Guard, finding: Finding, is_news: bool) -> bool:
        """Do what a guard says whose check does not hold; tell whether a request has begun."""
        target = self.table.request(guard.request)
        text = complaint(guard.check, finding)
        begins = self.request is not target and (self.request is None or self.request.name in target.interrupts)
        if is_news or begins:
            self._list(text, guard.fault)
        if begins:
            self._begin(target, text)
        return begins

    def _begin(self, request: Request, why: str) -> Ticket:
        if self.request is not None:
            self._drop(f"{self.request.name} ended by {request.name}")
        self.request, self._next, self._notes = request, 0, []
        self._ticket = ticket = Ticket()
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

    def _end_step(self) -> None:
        if self._step is not None:
            self._step.end()
            for asset, ticket in self._step.tickets:
                self._host.machine(asset).cancel(ticket)
            self._step = None

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
        failures = f"; but {'; '.join(self._notes)}" if self._notes else ""
        done = f"{request.name}: done" if self._why == f"{request.name}: under way" else self._why
        self._change(request.ends_in or self.state, request.words)
        self._conclude(f"{done}{failures}", Severity.ALARM if failures else Severity.INFO)
        if failures:
            self._list(f"{done}{failures}", self.state is State.FAULT)
        self._ticket.end()

    def _fail(self, request: Request, step: Step, failure: str) -> None:
        text = f"{request.name} failed: {step.words}: {failure}"
        self.request, self._why = None, text
        self._conclude(text, Severity.ALARM)
        self._list(text, self.state is State.FAULT or request.or_else == "trip")
        self._ticket.end(failure)
        if request.or_else:
            self._begin(self.table.request(request.or_else), text)

    def _follow(self) -> None:
        for follow in self.table.follows:
            if self.state in follow.source and first_failing(follow.checks, self.world) is None:
                if follow.to is not self.state:
                    if follow.fault:
                        self.result = self._why = follow.words
                        self._list(follow.words, True)
                    self._change(follow.to, follow.words)
                return

    def _change(self, state: State, why: str) -> None:
        if state is self.state:
            return
        if self.state is State.FAULT:
            self._watch.forget()
        text = f"{self.state} -> {state}" + (f": {why}" if why else "")
        self.state, self.since_s = state, self._host.now_s
        self._host.tell(self.asset, text, Severity.FAULT if state is State.FAULT else Severity.STATUS)

    def _list(self, text: str, is_fault: bool) -> None:
        """Put a message into a list. Devices have faults of their own; that a request failed there is an alarm."""
        self._host.list_message(self.asset, FAULTS if is_fault and self.table.power else ALARMS, text)

    def _conclude(self, text: str, severity: Severity) -> None:
        self.result = text
        self._host.tell(self.asset, text, severity)

    def _what_is_missing(self) -> str:
        """Say what is waited for in Init."""
        if self.state is not State.INIT or self.request is not None:
            return ""
        known = [follow.checks for follow in self.table.follows if State.INIT in follow.source and follow.fault]
        failing = first_failing(known[-1], self.world) if known else None
        return "" if failing is None else f" ({complaint(*failing)})"
