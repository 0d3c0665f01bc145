"""`Slots`: the last known values of what calculations use, and who uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ess_bus.reference import Reference

if TYPE_CHECKING:
    from calculator.state import State


class _Missing:
    """Stands for the value of what the engine does not have."""

    def __repr__(self) -> str:
        return "missing"


MISSING: Final = _Missing()


@dataclass(slots=True, eq=False)
class Slot:
    """One variable or parameter.

    Attributes:
        place: where it is.
        value: what is known of it; `MISSING` if the engine does not have it.
        at_s: when that has changed last.
        users: the calculations that use it, and as which of their inputs; -1 for a switch.
        stand_ins: parameters of this variable that are not there, and so have its value.
        sets: the calculation whose result it is.
        explains: the calculation whose result's reason it is.
    """

    place: Reference
    value: Any = MISSING
    at_s: float = 0.0
    users: list[tuple[State, int]] = field(default_factory=list)
    stand_ins: list[Slot] = field(default_factory=list)
    stands_in: bool = False
    sets: State | None = None
    explains: State | None = None

    def take(self, value: Any, now_s: float) -> bool:
        """Take a value; tell whether it is another one, and let those who use it know."""
        held = self.value
        if held is value or (type(held) is type(value) and held == value):
            return False
        self.value, self.at_s = value, now_s
        for state, index in self.users:
            state.note(index, value)
        for other in self.stand_ins:
            if other.stands_in:
                other.take(value, now_s)
        return True


class Slots:
    """All slots, by table and name; a parameter's name in its table is ``name@parameter``."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, Slot]] = {}

    def of(self, place: Reference) -> Slot:
        """Return the slot of a place; make it if it is not there."""
        name = place.name if place.parameter is None else f"{place.name}@{place.parameter}"
        table = self._tables.setdefault(place.table, {})
        slot = table.get(name)
        if slot is None:
            slot = table[name] = Slot(place)
        return slot

    def operand(self, place: Reference) -> Slot:
        """Return the slot of an operand: a parameter that is not there is the variable's value (engine.md 1.1)."""
        slot = self.of(place)
        if place.parameter is not None:
            variable = self.of(place._replace(parameter=None))
            if slot not in variable.stand_ins:
                variable.stand_ins.append(slot)
                slot.stands_in = True
        return slot

    def find(self, table: str) -> Mapping[str, Slot]:
        """Return the slots of a table by name."""
        return self._tables.get(table, {})

    def all(self) -> Iterable[Slot]:
        """Return all slots."""
        return (slot for table in self._tables.values() for slot in table.values())
