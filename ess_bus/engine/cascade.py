"""`Cascade`: carries out what follows from a set, as far as it goes, and names what goes round in a circle."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, NamedTuple, Protocol

from ess_bus.engine.actions.effects import Call, Send
from ess_bus.engine.actions.running import RUN
from ess_bus.engine.cell import as_bit
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
        """Log that something could not be done as it was asked for, once; and tell whoever asked for it."""


class Link(NamedTuple):
    """One variable of a chain of actions, and what it was set to."""

    place: Reference
    value: Any

    def __str__(self) -> str:
        return str(self.place)


class _TooMany(Exception):
    """More actions follow from one set than may."""


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
        is_noted = bool(assignment.parameters) or assignment.actions is not None
        different = self._different(assignment) if is_noted else ()
        variable, changed = self._host.datamap.apply(assignment)
        if changed:
            self._host.mark(variable)
        if is_noted:
            self._host.noted(assignment.place, variable, different)
        if variable.program and assignment.runs_actions:
            self.act(assignment.place, variable)

    def give(self, place: Reference, variable: Variable, value: Any) -> None:
        """As `apply`, of nothing but a value for a variable that is there, and that its cell has accepted."""
        if variable.set(value):
            self._host.mark(variable)
        if variable.program:
            self.act(place, variable)

    def introduce(self, assignment: Assignment) -> None:
        """Carry out what follows from a new variable that is in its table already, as its assignment defines it."""
        variable = self._host.datamap.create(assignment.place)
        if assignment.parameters or assignment.actions is not None:
            self._host.noted(assignment.place, variable, assignment.parameters or ())
        if variable.program and assignment.runs_actions:
            self.act(assignment.place, variable)

    def act(self, place: Reference, variable: Variable, forced: bool = False) -> None:
        """Run the actions of a variable that was set, unless that would never come to an end.

        Args:
            place: where it was set.
            variable: that one.
            forced: they run as if its value had changed.
        """
        chain = self._chain
        link = Link(place, variable.cell.value)
        if not chain:
            self._left = MAX_ACTIONS
        elif (not forced and self._is_settled(link, variable)) or self._is_endless(link):
            return
        if not self._is_on(place, variable):
            return
        chain.append(link)
        try:
            for step in variable.program:
                RUN[step.action](step.items, variable, self._host, self)
        except _TooMany:
            begin = chain[0]
            self.overrun = f"{begin}: more than {MAX_ACTIONS} actions follow, stopped"
            self._host.fail(str(begin), self.overrun)
        finally:
            chain.pop()
            if variable.parameters.get("resetChange", True):
                variable.changed = False

    # -- what actions say (their `Doer`) ---------------------------------------------------------------------------

    def write(self, source: Variable, target: Target, value: Any, direct: bool = False, forced: bool = False) -> None:
        """Set a variable, a parameter or a bit."""
        self._count_one()
        place, begin, datamap = target.place, self._chain[-1], self._host.datamap
        variable = datamap.find(place.table, place.name)
        if variable is None:
            obstacle = datamap.obstacle(place)
            if obstacle is not None:
                self._host.fail(f"{begin} {place} new", f"{begin}: its action on {place}: {obstacle}; left out")
                return
        if place.parameter is not None:
            self._write_parameter(place._replace(parameter=None), place.parameter, value)
            return
        if variable is None:
            variable = datamap.create(place)
        if self._is_closed(place, variable, begin):
            return
        if variable is source and not direct:
            self._host.warn(f"{begin} itself", f"{begin}: {place} would set itself; that takes useAv")
            return
        if self._attempt(variable, target, value, begin):
            self._host.mark(variable)
        if forced:
            variable.changed = True
        if not direct and variable.program:
            self.act(place, variable, forced)

    def clamp(self, source: Variable, value: Any) -> None:
        """Give the variable itself another value; nothing follows from that."""
        self._count_one()
        if source.become(value):
            self._host.mark(source)

    def send(self, send: Send) -> None:
        """Send a message."""
        self._count_one()
        self._detours += 1
        try:
            self._host.send_value(send)
        finally:
            self._detours -= 1

    def call(self, source: Variable, call: Call) -> None:
        """Call a function."""
        self._count_one()
        # It may come back here; that takes about as much of the stack as another level of actions.
        self._detours += 1
        try:
            self._host.call(call, self._chain[-1].place, source)
        finally:
            self._detours -= 1

    # -- inside ----------------------------------------------------------------------------------------------------

    def _is_closed(self, place: Reference, variable: Variable, begin: Link) -> bool:
        """Tell whether no action may set a variable; that is named then."""
        if variable.locked:
            self._host.warn(f"{begin} {place} lock", f"{begin}: {place} is locked and keeps its value")
            return True
        if variable.cell.owner:
            text = f"{begin}: {place} {variable.cell.owner}; an action does not set it"
            self._host.warn(f"{begin} {place} owner", text)
            return True
        return False

    def _is_on(self, place: Reference, variable: Variable) -> bool:
        """Tell whether a variable's own ``enable``, ``enabled`` and ``ifChanged`` let its actions run."""
        if variable.parameters.get("ifChanged") and not variable.changed:
            return False
        return is_switched_on(variable, place, self._host)

    def _count_one(self) -> None:
        if self._left <= 0:
            raise _TooMany
        self._left -= 1
        self.count += 1

    def _write_parameter(self, place: Reference, name: str, value: Any) -> None:
        assignment = Assignment(place, parameters={name: value})
        different = self._different(assignment)
        variable, _ = self._host.datamap.apply(assignment)
        if different:
            self._host.noted(place, variable, different)

    def _different(self, assignment: Assignment) -> Collection[str]:
        """Return the parameters that an assignment gives another value."""
        variable = self._host.datamap.find(assignment.place.table, assignment.place.name)
        said = assignment.parameters or {}
        if variable is None:
            return said
        return [name for name, value in said.items() if variable.parameters.get(name, said) != value]

    def _attempt(self, variable: Variable, target: Target, value: Any, begin: Link) -> bool:
        """Set the target; make it not valid where it cannot hold the value; tell whether it has changed."""
        try:
            if target.bit is None:
                return variable.become(value)
            return variable.set_bit(target.bit, as_bit(value))
        except ValueError as error:
            text = f"{begin}: its action on {target}: {error}; it is not valid now"
            self._host.fail(f"{begin} {target}", text)
            # Its old value would go on being shown as if it were that of its source.
            return variable.set(None)

    def _is_settled(self, link: Link, variable: Variable) -> bool:
        """Tell whether a chain comes back to a variable that has this value already, and acts on changes only.

        So end two variables that follow each other: that is no mistake.
        """
        if link not in self._chain or link != next(one for one in reversed(self._chain) if one.place == link.place):
            return False
        if variable.parameters.get("ifChanged"):
            return True
        conditions = [item.condition for step in variable.program for item in step.items]
        return all(condition.if_changed and condition.input is None for condition in conditions)

    def _is_endless(self, link: Link) -> bool:
        """Tell whether a chain goes round in a circle, or too far, with this link; it is named then."""
        chain = self._chain
        if link in chain:
            circle = _trail(*chain[chain.index(link) :], link)
            self._host.fail(circle, f"actions run in a circle, stopped: {circle}")
            return True
        if len(chain) + self._detours >= MAX_DEPTH:
            self.overrun = f"{MAX_DEPTH} actions deep, stopped: {_trail(*chain, link)}"
            self._host.fail(f"{chain[0]} depth", self.overrun)
            return True
        return False


def _trail(*links: Link) -> str:
    """Return the names of a chain, of a long one its beginning and its end."""
    names = [str(link) for link in links]
    return " -> ".join(names if len(names) <= 12 else [*names[:6], "...", *names[-5:]])
