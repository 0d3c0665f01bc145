"""Devices for the rows about the bridge: what one has, as the files of a client and of a server. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_TABLES: Final = {"Holding Registers": "holding_registers", "Input Registers": "input_registers"}


@dataclass(frozen=True, slots=True)
class Group:
    """Registers that lie together, as an array of map entries."""

    table: str
    entries: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a device: what is published as ``/components/<id>``."""

    id: str
    unit: int
    period_ms: float
    groups: Sequence[Group]
    phase_ms: float = 0.0

    @property
    def ids(self) -> list[str]:
        """The names of all its values."""
        return [entry["id"] for group in self.groups for entry in group.entries]

    def values(self) -> dict[str, float]:
        """Return a value for each, that fits into every kind of register and changes from one to the next."""
        return {name: index % 100 for index, name in enumerate(self.ids)}


def client_file(parts: Sequence[Part], name: str, port: int, timeout_s: float = 1.0) -> dict[str, Any]:
    """Return the file of a client that polls these."""
    return {
        "connection": {"name": name, "ip_address": "127.0.0.1", "port": port, "connection_timeout": timeout_s},
        "components": [
            {
                "id": part.id,
                "device_id": part.unit,
                "frequency": part.period_ms,
                "offset_time": part.phase_ms,
                "registers": [{"type": group.table, "map": list(group.entries)} for group in part.groups],
            }
            for part in parts
        ],
    }


def server_file(parts: Sequence[Part], name: str, port: int) -> dict[str, Any]:
    """Return the file of a server that serves these from what is published below ``/plant``."""
    registers: dict[str, list[dict[str, Any]]] = {table: [] for table in _TABLES.values()}
    for part in parts:
        for group in part.groups:
            registers[_TABLES[group.table]] += [{**entry, "uri": plant_uri(part)} for entry in group.entries]
    return {"system": {"id": name, "ip_address": "127.0.0.1", "port": port}, "registers": registers}


def plant_uri(part: Part) -> str:
    """Return where the values of a part are published for the server."""
    return f"/plant/{part.id}"


def one_block(name: str, period_ms: float) -> Part:
    """Return 110 values of several kinds in 120 registers, which one request reads."""
    entries = [{"id": f"plain_{index}", "offset": index} for index in range(60)]
    entries += [{"id": f"scaled_{index}", "offset": 60 + index, "scale": 10} for index in range(20)]
    entries += [{"id": f"signed_{index}", "offset": 80 + index, "signed": True} for index in range(20)]
    entries += [{"id": f"long_{index}", "offset": 100 + 2 * index, "size": 2} for index in range(10)]
    return Part(name, 1, period_ms, [Group("Holding Registers", entries)])


def few(name: str, unit: int, period_ms: float) -> Part:
    """Return ten values."""
    entries = [{"id": f"value_{index}", "offset": index} for index in range(10)]
    return Part(name, unit, period_ms, [Group("Holding Registers", entries)])


def battery() -> list[Part]:
    """Return 1,562 values in 61 groups and 22 components, all due at the same moment of each second.

    The sizes are those of a real battery: its converter and its auxiliaries in four components with large maps full of
    gaps, and eighteen racks behind unit ids of their own.
    """
    auxiliaries = [_group("Input Registers", f"aux_{index}", 800 + 115 * index, 55, 2) for index in range(10)]
    limits = [
        _group("Holding Registers", f"limit_{index}", 2000 + 110 * index, 34 - index // 8, 3) for index in range(10)
    ]
    return [
        _second(
            "running",
            1,
            _group("Holding Registers", "order", 298, 9, 10),
            _group("Holding Registers", "mode", 515, 10, 1),
            _group("Input Registers", "state", 257, 18, 4),
        ),
        _second("auxiliaries", 1, *auxiliaries),
        _second("limits", 1, *limits),
        _second(
            "summary", 1, _group("Input Registers", "sum", 4608, 57, 1), _group("Holding Registers", "set", 4864, 4, 1)
        ),
        *(
            _second(
                f"rack_{rack:02}",
                11 + rack,
                _group("Holding Registers", f"contactor_{rack}", 1512 + 3 * rack, 3, 1),
                _group("Input Registers", f"rack_{rack}", 6030 + 30 * rack, 29, 1),
            )
            for rack in range(18)
        ),
    ]


def _second(name: str, unit: int, *groups: Group) -> Part:
    return Part(name, unit, 1000.0, groups, phase_ms=20.0)


def _group(table: str, name: str, start: int, count: int, step: int) -> Group:
    kinds: Sequence[dict[str, Any]] = ({}, {"scale": 10}, {"signed": True}, {"scale": 10, "signed": True})
    entries = [
        {"id": f"{name}_{index}", "offset": start + step * index, **kinds[index % len(kinds)]} for index in range(count)
    ]
    return Group(table, entries)
