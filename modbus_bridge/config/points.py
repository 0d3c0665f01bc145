"""From a register entry of either format to a checked `Point`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from modbus_bridge.config import keys
from modbus_bridge.config.entries import MAX_ADDRESS, PointEntry
from modbus_bridge.config.findings import Findings, join
from modbus_bridge.config.model import Kind, Point, RegisterType


@dataclass(frozen=True, slots=True)
class Inherited:
    """What an entry takes from the objects around it unless it says otherwise."""

    type: RegisterType
    device_id: int
    off_by_one: bool = False
    byte_swap: bool = False
    word_order: bool = False


def is_usable(data: Any, where: str, findings: Findings) -> bool:
    """Tell whether an entry is one register of the kind that is supported; if not, it is noted as left out."""
    if not isinstance(data, dict):
        return True
    if "id" not in data and any(key.lower() in ("xid", "xxid") for key in data):
        findings.leave_out(where, "its id is disabled")
    elif data.get("packed_register"):
        findings.leave_out(where, "packed registers are not supported yet")
    elif "repeat" in data:
        findings.leave_out(where, "repeat is not supported yet")
    elif data.get("starting_bit_pos") or "number_of_bits" in data:
        findings.leave_out(where, "parts of a register are not supported yet")
    else:
        return True
    return False


def to_point(entry: PointEntry, kind: Kind, inherited: Inherited, where: str, findings: Findings) -> Point | None:
    """Return the point that `entry` describes, or ``None`` after noting what contradicts itself."""
    findings.note_keys(entry, keys.POINT_UNSUPPORTED, keys.POINT_METADATA)
    offset = entry.offset - inherited.off_by_one
    problems = [*_range_problems(entry, inherited.type, offset), *_flag_problems(entry, kind)]
    for key, message in problems:
        findings.problem(join(where, key), message)
    if problems:
        return None
    if entry.size == 4 and (inherited.word_order or entry.word_order is not None):
        findings.leave_out(where, "word_order is not supported yet")
        return None
    swapped = inherited.byte_swap if entry.byte_swap is None else entry.byte_swap
    return Point(
        id=entry.id,
        type=inherited.type,
        offset=offset,
        device_id=inherited.device_id,
        size=entry.size,
        kind=kind,
        # Fraction of the text: a file that says 0.1 means a tenth.
        scale=None if entry.scale in (0, 1) or inherited.type.is_bits else Fraction(repr(entry.scale)),
        shift=entry.shift,
        signed=entry.signed,
        is_float=entry.is_float,
        # Of a coil there is only one bit to invert.
        invert_mask=int(entry.invert_mask, 0) & (1 if inherited.type.is_bits else -1),
        word_order=tuple(reversed(range(entry.size))) if swapped else (),
        strings=strings_of(entry, kind, where, findings),
    )


def kind_of(entry: PointEntry, table: RegisterType) -> Kind:
    """Return how the bits of `entry` are read."""
    if table.is_bits:
        return Kind.BOOL
    if entry.individual_bits:
        return Kind.INDIVIDUAL_BITS
    if entry.bit_field:
        return Kind.BIT_FIELD
    return Kind.ENUM if entry.enum or entry.random_enum else Kind.NUMBER


def strings_of(entry: PointEntry, kind: Kind, where: str, findings: Findings) -> Mapping[int, str]:
    """Return value or bit number -> text, from any of the element forms of modbus.md 1.4.

    A text counts on from the element before it, ``{"value": n, "string": s}`` names its number, ``null`` skips one and
    ``{"IGNORE": n}`` skips n.
    """
    if kind in (Kind.NUMBER, Kind.BOOL):
        return {}
    strings: dict[int, str] = {}
    number = 0
    for index, element in enumerate(entry.bit_strings):
        match element:
            case str():
                text: str | None = element
            case {"value": int(number), "string": str(text)}:
                pass
            case None:
                text = None
            case {"IGNORE": int(skipped)}:
                number += skipped
                continue
            case _:
                findings.problem(join(where, "bit_strings", index), "expected a string, null or a value with a string")
                continue
        if text is not None:
            if problem := _string_problem(kind, number, entry.size, strings):
                findings.problem(join(where, "bit_strings", index), problem)
            strings[number] = text
        number += 1
    return strings


def note_overlaps(points: Iterable[tuple[str, Point]], findings: Findings) -> None:
    """Note every two points of the same unit and table that claim the same register."""
    ordered = sorted(points, key=lambda found: (found[1].device_id, found[1].type, found[1].offset))
    for (_, one), (where, other) in pairwise(ordered):
        if (one.device_id, one.type) == (other.device_id, other.type) and other.offset < one.end:
            findings.problem(
                where,
                f"{other.id!r} (offset {other.offset}, size {other.size}) overlaps with "
                f"{one.id!r} (offset {one.offset}, size {one.size})",
            )


def _string_problem(kind: Kind, number: int, size: int, strings: Mapping[int, str]) -> str | None:
    if number in strings:
        return f"the number {number} has a string already"
    if kind is not Kind.ENUM and not 0 <= number < 16 * size:
        return f"bit {number} is outside of a register of size {size}"
    return None


def _range_problems(entry: PointEntry, table: RegisterType, offset: int) -> Iterator[tuple[str, str]]:
    if table.is_bits and entry.size != 1:
        yield "size", f"must be 1 in coils and discrete inputs, got {entry.size}"
    elif entry.size not in (1, 2, 4):
        yield "size", f"must be 1, 2 or 4, got {entry.size}"
    elif not 0 <= offset <= MAX_ADDRESS + 1 - entry.size:
        yield "offset", f"with size {entry.size}, addresses must be in 0 to {MAX_ADDRESS}, got {offset}"
    if int(entry.invert_mask, 0) >> 16 * max(entry.size, 1):
        yield "invert_mask", f"{entry.invert_mask} is wider than a register of size {entry.size}"


def _flag_problems(entry: PointEntry, kind: Kind) -> Iterator[tuple[str, str]]:
    if entry.signed and entry.is_float:
        yield "float", "signed and float exclude each other"
    if entry.is_float and entry.size == 1:
        yield "float", "needs size 2 or 4"
    flags = [name for name in ("bit_field", "individual_bits", "enum") if getattr(entry, name)]
    if entry.random_enum and not entry.enum:
        flags.append("random_enum")
    if len(flags) > 1:
        yield flags[1], f"excludes {flags[0]}"
    scaled = entry.scale not in (0, 1) or entry.shift
    if flags and kind not in (Kind.NUMBER, Kind.BOOL) and (entry.signed or entry.is_float or scaled):
        yield flags[0], "excludes signed, float, scale and shift"
