"""What only the original's strict program refuses (modbus.md 1.2 to 1.4 and 7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modbus_bridge.config.entries import ComponentEntry, GroupEntry, PointEntry
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import Point
from modbus_bridge.config.place import Place

_MAX_GROUPS = 255
_MAX_ENTRIES = 125
_MAX_SPAN = 125


def check_component(entry: ComponentEntry, place: Place, findings: Findings) -> None:
    """Note what the original refuses in a component itself."""
    if " " in entry.id:
        findings.strictly(place.at("id"), f"{entry.id!r} must not contain a space")
    if len(entry.registers) > _MAX_GROUPS:
        findings.strictly(place.at("registers"), f"{len(entry.registers)} groups are more than {_MAX_GROUPS}")


def check_entry(entry: PointEntry, place: Place, findings: Findings) -> None:
    """Note what the original refuses in one entry."""
    if not findings.strict:
        return
    if " " in entry.id:
        findings.problem(place.at("id"), f"{entry.id!r} must not contain a space")
    if entry.bit_field or entry.individual_bits or entry.enum or entry.random_enum:
        forbidden = ' \\"' if entry.individual_bits else '\\"'
        for index, text in _texts(entry):
            if bad := next((character for character in forbidden if character in text), None):
                findings.problem(place.at("bit_strings", index), f"{text[:60]!r} must not contain {bad!r}")


def check_group(entry: GroupEntry, points: Sequence[Point], place: Place, findings: Findings) -> None:
    """Note what the original refuses in one group; it knows no templates, and they may be as long as they like."""
    if not findings.strict or any(isinstance(item, dict) and "repeat" in item for item in entry.map):
        return
    if len(entry.map) > _MAX_ENTRIES:
        findings.problem(place.at("map"), f"{len(entry.map)} entries are more than {_MAX_ENTRIES}")
    if points:
        span = max(point.end for point in points) - min(point.offset for point in points)
        if span > _MAX_SPAN:
            findings.problem(place, f"its registers span {span}, more than {_MAX_SPAN}")


def _texts(entry: PointEntry) -> Iterator[tuple[int, str]]:
    for index, element in enumerate(entry.bit_strings):
        text = element.get("string") if isinstance(element, dict) else element
        if isinstance(text, str):
            yield index, text
