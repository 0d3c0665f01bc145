"""`Item`: one scheduled item. What people see of it and may change are parameters of its variable (engine.md 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ess_bus.engine.numbers import is_number
from ess_bus.engine.schedule.grid import MIN_PERIOD_S, Grid
from ess_bus.engine.timing import NEVER
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

# Where a variable's item is kept in its memory.
MEMORY: Final = "schedule"
# Parameters that change when or whether an item runs.
LIVE: Final = frozenset({"repTime", "endTime", "runTime", "enabled", "enable", "active", "offset"})
# What ends within this time of a point is over at that point.
_SAME_S: Final = 1e-6


@dataclass(slots=True, eq=False)
class Item:
    """An item that is scheduled.

    Attributes:
        place, variable: where it is.
        grid: when it runs; its period is ignored for an item that runs once.
        once: whether it ends after one run.
        due_s: when it must be looked at: it runs or ends then.
        runs: how often it has run.
    """

    place: Reference
    variable: Variable
    grid: Grid
    once: bool
    due_s: float = NEVER
    runs: int = 0

    @property
    def end_s(self) -> float:
        """When it ends; `NEVER` without ``endTime``, or with 0. Until one that is not valid nothing may run."""
        end = self.variable.parameters.get("endTime", 0)
        if not is_number(end):
            return 0.0
        return end if end > 0 else NEVER

    @property
    def times(self) -> tuple[Any, Any]:
        """What its variable says of its times, whoever has changed that."""
        parameters = self.variable.parameters
        return parameters.get("repTime"), parameters.get("endTime")

    @property
    def switches(self) -> tuple[Any, Any]:
        """What its variable says of whether it runs."""
        parameters = self.variable.parameters
        return parameters.get("enable"), parameters.get("enabled")

    @property
    def is_over(self) -> bool:
        """Whether its next run would be at its end, or later."""
        return self.grid.next_s >= self.end_s - _SAME_S

    @property
    def is_off(self) -> bool:
        """Whether it is switched off: it keeps its times and does not run. A switch elsewhere is asked at each run."""
        enable = self.variable.parameters.get("enable")
        if isinstance(enable, str):
            return False
        return not (self.variable.parameters.get("enabled", True) if enable is None else enable)

    def plan(self) -> None:
        """Find out when it must be looked at next, and show when it would run."""
        grid, end_s = self.grid, self.end_s
        next_s = grid.anchor_s + grid.index * grid.period_s
        self.due_s = end_s if next_s >= end_s - _SAME_S or self.is_off else next_s
        self.variable.parameters["runTime"] = round(next_s, 6)

    @property
    def order(self) -> tuple[float, float, str]:
        """What is due first runs first, and of several the one with the least ``refTime``."""
        return self.due_s, priority_of(self.variable), str(self.place)

    @property
    def name(self) -> str:
        """What it is called in the list of all: ``id``, or its variable's name."""
        given = self.variable.parameters.get("id")
        return given if isinstance(given, str) and given else self.place.name

    @property
    def function(self) -> str | None:
        """The function that it calls; an item without one sets its variable."""
        given = self.variable.parameters.get("fcn")
        return given if isinstance(given, str) and given not in ("", "none") else None


def number_of(variable: Variable, name: str, default: float = 0.0) -> float:
    """Return a parameter that should be a number, and `default` if it is not."""
    value = variable.parameters.get(name, default)
    return value if is_number(value) else default


def priority_of(variable: Variable) -> float:
    """Return the place among what is due at the same time."""
    return number_of(variable, "refTime", number_of(variable, "reftime"))


def seconds(what: str, value: Any, least: float = 0.0) -> float:
    """Return a duration in seconds.

    Raises:
        ValueError: it is none.
    """
    if not is_number(value) or not least <= value < NEVER:
        raise ValueError(f"{what}: expected seconds{f', {least:g} at least' if least else ''}, got {str(value)[:40]!r}")
    return value


def period(what: str, value: Any) -> float:
    """Return the distance of two runs in seconds; 0 for an item that runs once.

    Raises:
        ValueError: it is none.
    """
    return 0.0 if is_number(value) and value == 0 else seconds(what, value, MIN_PERIOD_S)
