"""`Cascade`: carries out what follows from a set, as far as it goes, and names what goes round in a circle."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple, Protocol

from ess_bus.engine.actions.effects import Call, Clamp, Effect, Send, Write
from ess_bus.engine.actions.running import effects
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.switch import is_switched_on
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

# How deep one set may reach through actions before it is taken for a mistake.
MAX_DEPTH: Final = 128
# How many actions may follow from one set: variables that all remap to each other would take for ever.
MAX_ACTIONS: Final = 1000


class Host(Protocol):
    """What a cascade needs of its engine."""

    now_s: float
    datamap: DataMap

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""

    def mark(self, variable: Variable) -> None:
        """Note that a variable has changed."""

    def noted(self, place: Reference, variable: Variable, parameters: Collection[str]) -> None:
        """Note that parameters of a variable were set."""

    def send_value(self, send: Send) -> None:
        """Send a message."""

    def call(self, call: Call, place: Reference, variable: Variable) -> None:
        """Call a function."""

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""

    def fail(self, mistake: str, text: str) -> None:
        """The same of something that was asked for and is not done; whoever has asked is told, too."""


class Link(NamedTuple):
    """One variable of a chain of actions, and what it was set to."""

    place: Reference
    value: Any

    def __str__(self) -> str:
        return str(self.place)


class Cascade:
    """Runs the actions of variables, one set after the other.

    A variable may be reached again in a chain with another value, as one that resets itself is. Reached again with
    the same value, the chain would run for ever.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._chain: list[Link] = []
        self._detours = 0
        self._left = MAX_ACTIONS
        # What was stopped last because too much would have followed.
        self.overrun: str | None = None
        # How many actions were carried out.
        self.count = 0

    def apply(self, assignment: Assignment) -> None:
        """Carry out a checked assignment, and what follows from it."""
        self._fresh()
        is_noted = bool(assignment.parameters) or assignment.actions is not None
        different = self._different(assignment) if is_noted else ()
        variable, changed = self._host.datamap.apply(assignment)
        if changed:
            self._host.mark(variable)
        if is_noted:
            self._host.noted(assignment.place, variable, different)
        if assignment.runs_actions:
            self._follow(assignment.place, variable)

    def introduce(self, assignment: Assignment) -> None:
        """Carry out what follows from a new variable that is in its table already, as its assignment defines it."""
        self._fresh()
        variable = self._host.datamap.create(assignment.place)
        if assignment.parameters or assignment.actions is not None:
            self._host.noted(assignment.place, variable, assignment.parameters or ())
        if variable.program and assignment.runs_actions:
            self._follow(assignment.place, variable)

    def act(self, place: Reference, variable: Variable) -> None:
        """Run the actions of a variable as if it had just been set."""
        if not self._chain:
            self._left = MAX_ACTIONS
        if not variable.program or not self._is_on(place, variable):
            return
        self._chain.append(Link(place, variable.value))
        try:
            for step in variable.program:
                for effect in effects(step, variable, self._host):
                    if not self._take_one():
                        return
                    self._carry_out(effect, place, variable)
        finally:
            self._chain.pop()
            if variable.parameters.get("resetChange", True):
                variable.changed = False

    def _fresh(self) -> None:
        if not self._chain:
            self._left = MAX_ACTIONS

    def _is_on(self, place: Reference, variable: Variable) -> bool:
        """Tell whether a variable's own ``enable``, ``enabled`` and ``ifChanged`` let its actions run."""
        if variable.parameters.get("ifChanged") and not variable.changed:
            return False
        return is_switched_on(variable, place, self._host)

    def _take_one(self) -> bool:
        if self._left <= 0:
            begin = self._chain[0]
            self.overrun = f"{begin}: more than {MAX_ACTIONS} actions follow, stopped"
            self._host.fail(str(begin), self.overrun)
            return False
        self._left -= 1
        self.count += 1
        return True

    def _carry_out(self, effect: Effect, place: Reference, variable: Variable) -> None:
        match effect:
            case Write():
                self._write(effect, variable)
            case Clamp(value):
                if variable.become(value):
                    self._host.mark(variable)
            case Send() | Call():
                # They may come back here; that takes about as much of the stack as another level of actions.
                self._detours += 1
                try:
                    if isinstance(effect, Send):
                        self._host.send_value(effect)
                    else:
                        self._host.call(effect, place, variable)
                finally:
                    self._detours -= 1

    def _write(self, write: Write, source: Variable) -> None:
        place, begin = write.target.place, self._chain[-1]
        if self._host.datamap.find(place.table, place.name) is None:
            obstacle = self._host.datamap.obstacle(place)
            if obstacle is not None:
                self._host.fail(f"{begin} {place} new", f"{begin}: its action on {place}: {obstacle}; left out")
                return
        if place.parameter is not None:
            own = place._replace(parameter=None)
            assignment = Assignment(own, parameters={place.parameter: write.value})
            different = self._different(assignment)
            variable, _ = self._host.datamap.apply(assignment)
            if different:
                self._host.noted(own, variable, different)
            return
        target = self._host.datamap.create(place)
        if target.locked:
            self._host.warn(f"{begin} {place} lock", f"{begin}: {place} is locked and keeps its value")
            return
        if target.cell.owner:
            self._host.warn(
                f"{begin} {place} owner", f"{begin}: {place} {target.cell.owner}; an action does not set it"
            )
            return
        if target is source and not write.direct:
            self._host.warn(f"{begin} itself", f"{begin}: {place} would set itself; that takes useAv")
            return
        if self._attempt(target, write, begin):
            self._host.mark(target)
        target.changed |= write.forced
        if not write.direct:
            self._follow(place, target)

    def _different(self, assignment: Assignment) -> Collection[str]:
        """Return the parameters that an assignment gives another value."""
        variable = self._host.datamap.find(assignment.place.table, assignment.place.name)
        said = assignment.parameters or {}
        if variable is None:
            return said
        return [name for name, value in said.items() if variable.parameters.get(name, said) != value]

    def _attempt(self, target: Variable, write: Write, begin: Link) -> bool:
        """Set the target; make it not valid where it cannot hold the value; tell whether it has changed."""
        try:
            if write.target.bit is None:
                return target.become(write.value)
            if write.value not in (0, 1, None):
                raise ValueError(f"expected true or false for a bit, got {str(write.value)[:40]!r}")
            return target.set_bit(write.target.bit, None if write.value is None else bool(write.value))
        except ValueError as error:
            text = f"{begin}: its action on {write.target}: {error}; it is not valid now"
            self._host.fail(f"{begin} {write.target}", text)
            # Its old value would go on being shown as if it were that of its source.
            return target.set(None)

    def _follow(self, place: Reference, target: Variable) -> None:
        if not target.program:
            return
        link = Link(place, target.value)
        if link in self._chain:
            circle = _trail(*self._chain[self._chain.index(link) :], link)
            self._host.fail(circle, f"actions run in a circle, stopped: {circle}")
            return
        if len(self._chain) + self._detours >= MAX_DEPTH:
            self.overrun = f"{MAX_DEPTH} actions deep, stopped: {_trail(*self._chain, link)}"
            self._host.fail(f"{self._chain[0]} depth", self.overrun)
            return
        self.act(place, target)


def _trail(*links: Link) -> str:
    """Return the names of a chain, of a long one its beginning and its end."""
    names = [str(link) for link in links]
    return " -> ".join(names if len(names) <= 12 else [*names[:6], "...", *names[-5:]])
