"""`Variable`: one entry of the data map with its value, parameters and actions (engine.md 2.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ess_bus.engine.actions.item import Step
from ess_bus.engine.cell import DEADBAND, Cell
from ess_bus.engine.numbers import is_number
from ess_bus.engine.target import Target


@dataclass(slots=True, eq=False)
class Variable:
    """One object, which links may show in several tables.

    Attributes:
        cell: holds its value; that of another variable where a vlink says so.
        parameters: everything of its definition but ``value`` and ``actions``.
        actions: its definition's ``actions``, as configured.
        program: what of them is carried out.
        places: the (table, name) pairs under which it is found.
        changed: whether its value has changed since its actions were run.
        seen: what its actions with ``ifChanged`` saw last where they look at something else.
        memory: what functions remember of it from call to call, by their names; nobody sees it.
    """

    cell: Cell = field(default_factory=Cell)
    parameters: dict[str, Any] = field(default_factory=dict)
    actions: dict[str, Any] = field(default_factory=dict)
    program: tuple[Step, ...] = ()
    places: list[tuple[str, str]] = field(default_factory=list)
    changed: bool = False
    seen: dict[Target, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.cell.variables.append(self)

    @property
    def value(self) -> Any:
        """What it shows."""
        return self.cell.value

    @property
    def locked(self) -> bool:
        """Whether its value must not be changed."""
        return bool(self.parameters.get("lock"))

    def shown_at(self) -> Iterator[tuple[str, str]]:
        """Yield every (table, name) at which a change of its value can be seen."""
        for variable in self.cell.variables:
            yield from variable.places

    def stands_for(self) -> Iterator[tuple[str, str]]:
        """Yield the (table, name) that links to it lead to, and that of the variable that it follows."""
        for variable in (self, self.cell.variables[0]):
            yield from variable.places[:1]

    def follow(self, other: Variable) -> bool:
        """Show and hold the value of another variable from now on; tell whether it did not before."""
        if self.cell is other.cell:
            return False
        self.cell.variables.remove(self)
        self.cell = other.cell
        self.cell.variables.append(self)
        return True

    def set(self, value: Any) -> bool:
        """Take a value that the cell has accepted; tell whether it is a change."""
        given = self.parameters.get("deadband")
        changed = self.cell.hold(value, DEADBAND if given is None else _deadband(given))
        if changed:
            self.changed = True
        return changed

    def become(self, value: Any) -> bool:
        """Take a value of whatever type, as actions may; tell whether it is a change.

        Raises:
            ValueError: it is an object.
        """
        given = self.parameters.get("deadband")
        changed = self.cell.become(value, DEADBAND if given is None else _deadband(given))
        if changed:
            self.changed = True
        return changed

    def set_bit(self, bit: int, on: bool | None) -> bool:
        """Set or clear a bit (from 0); ``None`` is not known.

        Raises:
            ValueError: the value is not a whole number.
        """
        changed = self.cell.hold_bit(bit, on)
        if changed:
            self.changed = True
        return changed


def _deadband(given: Any) -> float:
    """Return the parameter ``deadband``, in the unit of the value."""
    return float(given) if is_number(given) and given > 0 else DEADBAND
