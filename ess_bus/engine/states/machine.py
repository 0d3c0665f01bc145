"""`Machine`: obeys one table for one asset: what it is asked for, guards, and what devices do by themselves."""

from __future__ import annotations

from ess_bus.engine.severity import Severity
from ess_bus.engine.states.checks import Finding, complaint, first_failing, look
from ess_bus.engine.states.model import Guard, Request, State
from ess_bus.engine.states.resuming import kept, read
from ess_bus.engine.states.stepping import Ticket
from ess_bus.engine.states.work import ALARMS, Work
from ess_bus.engine.timing import NEVER


class Machine(Work):
    """The state of an asset, and what is being done about it; whose it is, and what it shows, is told in `Work`."""

    # -- what others want ----------------------------------------------------------------------------------------------

    def ask(self, name: str, in_person: bool = False, *, quiet: bool = False) -> Ticket:
        """Ask for a request; the ticket tells what becomes of it, and why it is refused if it is.

        Args:
            name: of the request.
            in_person: a person asks, not another machine.
            quiet: it is a repetition, and people were told already.
        """
        request = self.table.request(name)
        if self.request is request and (quiet or not self._is_quiet):
            return self._ticket
        if self.request is None and self._is_done(request):
            self._conclude(f"{name}: it is {self.state} already", Severity.INFO)
            return Ticket(True)
        why = self.why_not(name, in_person)
        if why:
            if self._can_wait(request, in_person):
                return self._wait(request)
            self.refuse(name, why)
            return Ticket(True, why)
        if request.upward:
            self._host.take_back(self.asset, ALARMS)
        if request.ends_in is State.FAULT and self.state is not State.FAULT:
            self._list(f"asked to {request.words}", True)
        return self._begin(request, f"{name}: under way", quiet=quiet)

    def why_not(self, name: str, in_person: bool = False) -> str:
        """Return why a request would be refused now; ``""`` if it would not."""
        request = self.table.request(name)
        if self.request is not None and self.request.name not in request.interrupts and not self._is_quiet:
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
        self.note(f"{name} refused: {why}", Severity.STATUS)

    def call_off(self) -> None:
        """End what brings the device closer to power, whoever has asked for it."""
        if self.request is not None and self.request.upward:
            self._drop(f"{self.request.name} called off")

    def cancel(self, ticket: Ticket) -> None:
        """Call off what was asked for with a ticket, if it is still under way."""
        if self.request is not None and self._ticket is ticket:
            self._drop(f"{self.request.name} called off")

    @property
    def kept(self) -> str | None:
        """What a restart must not forget: what takes the plant down, and that it is in Fault; ``None`` is nothing."""
        if self._resumption is not None:
            return kept(self._resumption.requests, self._resumption.why)
        if self.request is not None and not self.request.upward:
            return kept((self.request, *(request for request, _ in self._waiting)), self._why)
        if self.state is State.FAULT and self.table.rest:
            return kept((self.table.request("trip"),), self._why)
        return None

    def resume(self, text: str) -> None:
        """Take up what was kept, once what must be known for it is.

        Raises:
            ValueError: it is nothing that is taken up.
        """
        self._resumption = read(self.table, text, self.steady_s + self.options["resume_s"])

    # -- a turn --------------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Look at everything once: guards first, then the step under way, then what devices did by themselves."""
        self.due_s = NEVER
        self._look_on()
        if self.request is None:
            self._take_up()
        if self.request is None and self.state is State.FAULT:
            self._stay_at_rest()
        if self.request is not None:
            self._advance()
        if self.request is None and self._resumption is None:
            self._follow()

    @property
    def waits_for(self) -> str:
        """What is waited for, in words."""
        if self._step is not None:
            return self._step.waits_for
        if self._resumption is not None:
            return f"to take up {self._resumption.names} again{self._what_is_missing()}"
        return self._what_is_missing().strip(" ()") or self.lacks

    @property
    def in_maintenance(self) -> bool:
        """Whether people operate the devices one by one, or may do so."""
        check = self.table.no_maintenance
        return check is not None and look(check, self.world).truth is not True

    # -- inside --------------------------------------------------------------------------------------------------------

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

    def _can_wait(self, request: Request, in_person: bool) -> bool:
        """Tell whether a request that takes the plant down can follow another one that does."""
        now = self.request
        if now is None or now.upward or request.upward or not self.table.rest:
            return False
        if State.FAULT in (now.ends_in, request.ends_in) or self.state not in request.source:
            return False
        return first_failing((*request.requires, *(request.in_person if in_person else ())), self.world) is None

    def _wait(self, request: Request) -> Ticket:
        for waiting, ticket in self._waiting:
            if waiting is request:
                return ticket
        self._waiting.append((request, ticket := Ticket()))
        if self.request is not None:
            self.note(f"{request.name}: follows {self.request.name}", Severity.INFO)
        return ticket

    def _take_up(self) -> None:
        """Begin what a restart has interrupted, as soon as that is possible."""
        found = self._resumption
        if found is None:
            return
        obstacle = found.obstacle(self.table, self.world)
        if obstacle is not None and self.steady_s < found.until_s:
            self.due_s = min(self.due_s, found.until_s)
            return
        self._resumption = None
        if obstacle is not None and not self.table.power:
            self.note(f"{found.text}: refused: {complaint(*obstacle)}", Severity.ALARM)
            return
        if found.first.ends_in is State.FAULT:
            self._list(found.text, True)
        self._waiting = [(request, Ticket()) for request in found.requests[1:]]
        self._begin(found.first, found.text)

    def _stay_at_rest(self) -> None:
        """Make everything safe again and again in Fault while it is not; people are told once, and it is counted."""
        if not self.table.rest:
            return
        if first_failing(self.table.rest, self.world) is None:
            if count := self._repetition.end():
                self.note(f"{self._why}; at rest, after it was made safe {count} times more", Severity.STATUS)
        elif self._repetition.is_due(self.steady_s, self.options["repeat_s"]):
            broken = (guard.request for guard in self.table.always if look(guard.check, self.world).truth is not True)
            self._begin(self.table.request(next(broken, "trip")), "", quiet=True)
            self.result = f"{self._why}; not at rest, made safe {self._repetition.count} times more"
        else:
            self.due_s = min(self.due_s, self._repetition.due_s)

    def _follow(self) -> None:
        for follow in self.table.follows:
            if self.state in follow.source and first_failing(follow.checks, self.world) is None:
                if follow.to is not self.state:
                    if follow.fault:
                        self._why = follow.words
                        self._list(follow.words, True)
                    if follow.words:
                        # What was done before is not why it is in this state.
                        self.result = follow.words
                    self._change(follow.to, follow.words)
                return

    def _what_is_missing(self) -> str:
        """Say what is waited for in Init."""
        if self.state is not State.INIT or self.request is not None:
            return ""
        known = [follow.checks for follow in self.table.follows if State.INIT in follow.source and follow.fault]
        failing = first_failing(known[-1], self.world) if known else None
        return "" if failing is None else f" ({complaint(*failing)})"
