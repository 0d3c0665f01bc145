"""What the bridge polls: some 200 variables of three units in all tables, and a unit that never answers. No I/O.

What a value means is said here once more, in a few lines of its own: a codec must not be its own judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from modbus_bridge.config.model import RegisterType

PERIOD_MS: Final = 100
TIMEOUT_S: Final = 0.3
DEAD_UNIT: Final = 9
DEAD: Final = "dead"
_GROUPS: Final = {
    RegisterType.HOLDING: "Holding Registers",
    RegisterType.INPUT: "Input Registers",
    RegisterType.COIL: "Coils",
    RegisterType.DISCRETE: "Discrete Inputs",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One published value and where it comes from.

    Attributes:
        component: the component that publishes it.
        id: its key there.
        unit: the unit that has it.
        table: the table that it lies in.
        offset: the address of its first register.
        size: how many registers.
        signed: two's complement.
        scale: what its number is divided by; 0 for no division.
        is_set: whether the soak sets it.
    """

    component: str
    id: str
    unit: int
    table: RegisterType
    offset: int
    size: int = 1
    signed: bool = False
    scale: int = 0
    is_set: bool = False

    @property
    def uri(self) -> str:
        """Where it is read and set."""
        return f"/components/{self.component}/{self.id}"

    def value(self, words: Sequence[int]) -> bool | int | float:
        """Return what these registers mean."""
        if self.table.is_bits:
            return bool(words[0])
        number = 0
        for word in words:
            number = number * 0x10000 + word
        if self.signed and number >= 1 << 16 * self.size - 1:
            number -= 1 << 16 * self.size
        return number / self.scale if self.scale else number

    def words(self, number: int) -> tuple[int, ...]:
        """Return the registers that hold the (not negative) `number`, before any scale."""
        if self.table.is_bits:
            return (number & 1,)
        return tuple(number >> 16 * position & 0xFFFF for position in reversed(range(self.size)))

    def entry(self) -> dict[str, Any]:
        """Return it as it stands in a configuration."""
        found = {"id": self.id, "offset": self.offset, "size": self.size}
        return found | ({"signed": True} if self.signed else {}) | ({"scale": self.scale} if self.scale else {})


def variables() -> list[Variable]:
    """Return all variables, those of a component together."""
    holding, inputs, coils, discretes = RegisterType
    return [
        *_row("plain", "p", 1, holding, 0, 60),
        *_row("mixed", "signed", 1, inputs, 100, 20, signed=True),
        *_row("mixed", "scaled", 1, inputs, 120, 20, scale=10),
        *_row("mixed", "long", 1, inputs, 150, 10, size=2, signed=True),
        *_row("bits", "coil", 1, coils, 0, 12),
        *_row("bits", "discrete", 1, discretes, 40, 12),
        *_row("second", "far", 2, holding, 10, 20),
        # Too far from the others for one request.
        *_row("second", "farther", 2, holding, 2000, 10, size=4),
        *_row("two_units", "one", 1, inputs, 5000, 10, scale=100, signed=True),
        *_row("two_units", "three", 3, inputs, 5000, 10),
        *_row("settings", "setpoint", 2, holding, 1000, 4, is_set=True),
        *_row("settings", "scaled", 2, holding, 1004, 2, scale=10, is_set=True),
        *_row("settings", "long", 2, holding, 1006, 2, size=2, is_set=True),
        *_row("settings", "switch", 2, coils, 7, 2, is_set=True),
        *_row(DEAD, "d", DEAD_UNIT, holding, 0, 10),
    ]


def configuration(port: int, connections: int = 1) -> dict[str, Any]:
    """Return the bridge's configuration; it may open so many connections."""
    components = groupby(variables(), key=lambda variable: variable.component)
    return {
        "connection": {
            "name": "soak",
            "ip_address": "127.0.0.1",
            "port": port,
            "connection_timeout": TIMEOUT_S,
            "max_num_connections": connections,
        },
        "components": [
            {"id": name, "frequency": PERIOD_MS, "registers": [*_groups([*members])]} for name, members in components
        ],
    }


def _row(
    component: str, name: str, unit: int, table: RegisterType, start: int, count: int, *, size: int = 1, **more: Any
) -> list[Variable]:
    return [
        Variable(component, f"{name}_{index}", unit, table, start + index * size, size, **more)
        for index in range(count)
    ]


def _groups(members: list[Variable]) -> Iterator[dict[str, Any]]:
    for (unit, table), found in groupby(members, key=lambda variable: (variable.unit, variable.table)):
        yield {"type": _GROUPS[table], "device_id": unit, "map": [variable.entry() for variable in found]}
