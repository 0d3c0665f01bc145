"""`Wishes`: which set points of the site count, and what the PCS of an ESS are asked for because of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ess_bus.engine.cell import Cell
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.numbers import is_number
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.checks import first_failing
from ess_bus.engine.states.machine import Machine
from ess_bus.engine.states.model import State
from ess_bus.engine.states.power import ACTIVE, REACTIVE, room, shares
from ess_bus.engine.states.shown import Put, show_value
from ess_bus.reference import Reference

_SETPOINTS: Final = (ACTIVE, REACTIVE)
_VOID: Final = "set points from before the end of maintenance mode do not count"
_EXPECTED: Final = "expected: one that is written anew, or a start"


class Wishes:
    """The set points of one ESS.

    One counts once it is written, changed or not, or the ESS is started. Those from before the end of maintenance mode,
    and from before the engine was started, do not: nobody may still want them.

    Args:
        machine: of the ESS.
        datamap: the engine's variables.
        wake: called when a set point is written.
    """

    def __init__(self, machine: Machine, datamap: DataMap, wake: Callable[[], None]) -> None:
        self._machine, self._datamap, self._wake = machine, datamap, wake
        self._cells: dict[str, Cell] = {}
        self._counts: set[str] = set()
        self._written: set[str] = set()
        self._starts = machine.starts
        self._in_maintenance = False

    def look(self) -> None:
        """Find out which set points count now; tell when maintenance mode takes that from them."""
        machine = self._machine
        for name in _SETPOINTS:
            self._listen(name)
        before, self._in_maintenance = self._in_maintenance, machine.in_maintenance
        if self._in_maintenance:
            self._counts.clear()
        else:
            if self._starts != machine.starts:
                self._counts.update(_SETPOINTS)
            self._counts |= self._written
        self._written, self._starts = set(), machine.starts
        if before and not self._in_maintenance and machine.state is State.RUNNING:
            machine.note(f"{_VOID}; {_EXPECTED}", Severity.STATUS)
        machine.lacks = self._lack()

    def put(self, put: Put) -> None:
        """Set what the PCS are asked for: the site's wishes while power is allowed, else 0."""
        machine = self._machine
        allowed = is_power_allowed(machine)
        pcs = machine.world.group.pcs
        show_value(Reference(f"/status/{machine.asset}", "PowerAllowed"), allowed, self._datamap, put)
        for name in _SETPOINTS:
            wish = self._value(f"/controls/{machine.asset}", name) if allowed and name in self._counts else 0
            wish = wish if is_number(wish) else 0
            rooms = [room(name, wish, lambda limit, one=one: self._value(f"/limits/{one}", limit)) for one in pcs]  # type: ignore[misc]
            for one, share in zip(pcs, shares(wish, rooms), strict=True):
                place = Reference(f"/controls/{one}", name)
                show_value(place, share, self._datamap, put, f"is what the ESS {machine.asset} asks of its PCS")

    def _lack(self) -> str:
        """Say which set points do not count, while nothing else keeps the power at 0."""
        if self._machine.state is not State.RUNNING:
            return ""
        old = [
            f"{name} {value:g}"
            for name in _SETPOINTS
            if name not in self._counts
            and is_number(value := self._value(f"/controls/{self._machine.asset}", name))
            and value
        ]
        return f"a set point written anew, or a start; {', '.join(old)} does not count" if old else ""

    def _listen(self, name: str) -> None:
        """Hear of every write, also where a vlink has led the variable to another cell."""
        variable = self._datamap.find(f"/controls/{self._machine.asset}", name)
        if variable is None or variable.cell is self._cells.get(name):
            return
        cell = self._cells[name] = variable.cell

        def hear() -> None:
            if self._cells.get(name) is cell and is_number(cell.value):
                if not self._machine.in_maintenance:
                    self._written.add(name)
                self._wake()

        cell.heard = hear

    def _value(self, table: str, name: str) -> Any:
        variable = self._datamap.find(table, name)
        return None if variable is None else variable.value


def is_power_allowed(machine: Machine) -> bool:
    """Tell whether an ESS may have power: it is in Running, nothing else is under way, and all that must hold does."""
    if machine.state is not State.RUNNING or machine.request is not None:
        return False
    return first_failing(machine.table.power, machine.world) is None
