"""`Runner`: what the schedule needs of its engine: the time, variables, and how an item is carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.cell import Kind
from ess_bus.engine.functions.registry import ELSEWHERE, FUNCTIONS, why_not
from ess_bus.engine.schedule.item import Item
from ess_bus.engine.switch import switch_elsewhere
from ess_bus.reference import Reference
from ess_bus.uri import segments

if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine
    from ess_bus.engine.variable import Variable

# The tables of scheduled items are below it.
SCHED: Final = "sched"


class Runner:
    """Carries items out in an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def uptime_s(self) -> float:
        """Seconds since the engine was started."""
        return self._engine.uptime_s

    def steady_s(self, uptime_s: float) -> float:
        """Return a time on the engine's steady clock."""
        return self._engine.steady_s - self._engine.uptime_s + uptime_s

    def skipped(self, count: int) -> None:
        """Note runs that were left out."""
        self._engine.timings.skipped(count)

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake once."""
        self._engine.warn(mistake, text)

    def fail(self, mistake: str, text: str) -> None:
        """The same of something that was asked for and is not done."""
        self._engine.fail(mistake, text)

    def find(self, place: Reference) -> Variable | None:
        """Return a variable, or ``None``."""
        return self._engine.find(place.table, place.name)

    def scheduled(self) -> list[Reference]:
        """Return all variables in tables of scheduled items."""
        tables = list(self._engine.datamap.below(f"/{SCHED}"))
        return [Reference(table, name) for table, members in tables for name in list(members)]

    def variable(self, place: Reference) -> Variable:
        """Return the variable of an item; one that is not there is made, with its own name as its value.

        Raises:
            ValueError: there cannot be one.
        """
        found = self.find(place)
        if found is None:
            obstacle = self._engine.datamap.obstacle(place)
            if obstacle is not None:
                raise ValueError(f"{place}: {obstacle}")
            self._engine.put(place, place.name)
            found = self._engine.datamap.create(place)
            # Whoever defines it after it was scheduled says of what type it is.
            found.cell.kind = Kind.UNKNOWN
        return found

    def idle(self, item: Item) -> str | None:
        """Return why an item would never do anything, ``None`` if it does."""
        name = item.function
        if name is None or name in FUNCTIONS:
            return None
        if name in ELSEWHERE:
            return ELSEWHERE[name]
        reason = f"the function {name} is not known{why_not(name)}"
        self.fail(f"fcn {name}", f"{item.place}: {reason}; what is scheduled to call it rests")
        return reason

    def is_on(self, item: Item) -> bool:
        """Tell whether the switch of an item is on, where it is elsewhere (``enable`` with a URI)."""
        return switch_elsewhere(item.variable, item.place, self._engine) is not False

    def run(self, item: Item) -> str | None:
        """Set an item's variable, or call its function; return why it must not be done again, if that is so."""
        engine = self._engine
        engine.take_overrun()
        try:
            if item.function is None:
                self._set(item)
            else:
                self._call(item, item.function)
        except ValueError as error:
            engine.warn(f"{item.place} scheduled", f"{item.place}: scheduled: {error}")
        overrun = engine.take_overrun()
        if overrun is not None:
            engine.warn(f"{item.place} overrun", f"{item.place} is not scheduled any more: {overrun}")
        return overrun

    def _set(self, item: Item) -> None:
        cell = item.variable.cell
        is_defined = cell.kind is not Kind.UNKNOWN
        self._engine.put(item.place, self._stamp(item.variable))
        if not is_defined:
            cell.kind = Kind.UNKNOWN

    def _stamp(self, variable: Variable) -> Any:
        """Return what a scheduled variable is set to: the time where it holds a number, true, or its text again.

        A calculator's result is set to what it is: it is no switch for the actions behind it, but what people see.
        """
        value = variable.value
        if "numVars" in variable.parameters:
            return value
        return value if isinstance(value, str) else True if isinstance(value, bool) else round(self.uptime_s, 6)

    def _call(self, item: Item, function: str) -> None:
        parameters, place, variable = item.variable.parameters, item.place, item.variable
        value = self.uptime_s if variable.value is None else variable.value
        named = parameters.get("targ")
        if isinstance(named, str) and named.startswith("/"):
            place = Reference.parse(named)
            found = self.find(place)
            if found is None:
                raise ValueError(f"targ: {place} is not there")
            variable, value = found, found.value
        given = parameters.get("amap") or parameters.get("aname")
        asset = given if isinstance(given, str) else _asset_of(item.place, place)
        self._engine.invoke(function, asset, place, variable, value)


def _asset_of(item: Reference, place: Reference) -> str | None:
    """Return whose item it is: ``pcs`` of ``/sched/pcs``; ``None`` for the asset of the variable's table."""
    parts = segments(item.table)
    return parts[1] if item == place and len(parts) == 2 and parts[0] == SCHED else None
