"""From a register entry of either format to checked points."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from modbus_bridge.config import keys
from modbus_bridge.config.entries import Inheritable, Level, PointEntry
from modbus_bridge.config.fields import MAX_ADDRESS
from modbus_bridge.config.findings import Findings
from modbus_bridge.config.model import ANY_UNIT, Format, Kind, Point, RegisterType
from modbus_bridge.config.order import WordOrder
from modbus_bridge.config.place import Place
from modbus_bridge.config.strings import known_strings, strings_of

MAX_TEXT = 125


@dataclass(frozen=True, slots=True)
class Inherited:
    """What an entry takes from the objects around it unless it says otherwise.

    Attributes:
        added: what templates around it add to its offset.
    """

    device_id: int = ANY_UNIT
    off_by_one: bool = False
    order: WordOrder = field(default_factory=WordOrder)
    multi_write: bool = False
    debounce_s: float = 0.0
    format: Format = Format.NAKED
    added: int = 0

    def under(self, level: Level, place: Place, findings: Findings, debounce_ms: float | None = None) -> Inherited:
        """Return what the entries inside of `level` inherit."""
        return replace(
            self._within(level, place, findings),
            device_id=self.device_id if level.device_id is None else level.device_id,
            off_by_one=self.off_by_one if level.off_by_one is None else level.off_by_one,
            debounce_s=self.debounce_s if debounce_ms is None else debounce_ms / 1000,
        )

    def for_entry(self, entry: PointEntry, place: Place, findings: Findings) -> Inherited:
        """Return what counts for one entry."""
        debounce_s = self.debounce_s if entry.debounce is None else entry.debounce
        return replace(self._within(entry, place, findings), debounce_s=debounce_s)

    def _within(self, entry: Inheritable, place: Place, findings: Findings) -> Inherited:
        return replace(
            self,
            order=self.order.under(entry.byte_swap, entry.word_order, place, findings),
            multi_write=self.multi_write if entry.multi_write_op_code is None else entry.multi_write_op_code,
            format=entry.format or self.format,
        )


def to_point(
    entry: PointEntry,
    table: RegisterType,
    kind: Kind,
    inherited: Inherited,
    place: Place,
    findings: Findings,
    *,
    needs_strings: bool = True,
) -> Point | None:
    """Return the point that `entry` describes, or ``None`` after noting what contradicts itself."""
    offset = entry.offset + inherited.added - inherited.off_by_one
    problems = [*_range_problems(entry, table, kind, offset), *_flag_problems(entry, kind, table)]
    for key, message in problems:
        findings.leave_out(place.at(key), message)
    if problems:
        return None
    whole = 1 if table.is_bits else 16 * entry.size
    width = entry.number_of_bits or whole - entry.starting_bit_pos
    invalid = [_unsigned(value, width) for value in entry.invalid]
    if None in invalid:
        findings.leave_out(place.at("invalid"), f"expected values of {width} bits")
        return None
    strings: Mapping[int, str] = {}
    if kind in (Kind.ENUM, Kind.BIT_FIELD, Kind.INDIVIDUAL_BITS):
        found = (strings_of if needs_strings else known_strings)(entry, kind, width, place, findings)
        if found is None:
            return None
        strings = found
    own = inherited.for_entry(entry, place, findings)
    return replace(
        _described(entry, table, own),
        offset=offset,
        # Bits without names are a number.
        kind=kind if strings or kind is not Kind.INDIVIDUAL_BITS else Kind.NUMBER,
        word_order=() if kind is Kind.TEXT or table.is_bits else own.order.positions(entry.size),
        bits=0 if entry.starting_bit_pos + width == whole else width,
        strings=strings,
        invalid=frozenset(value for value in invalid if value is not None),
    )


def _described(entry: PointEntry, table: RegisterType, own: Inherited) -> Point:
    """Return the point with what is taken from the entry as it is."""
    return Point(
        id=entry.id,
        type=table,
        offset=entry.offset,
        device_id=own.device_id,
        size=entry.size,
        # Fraction of the text: a file that says 0.1 means a tenth.
        scale=None if entry.scale in (0, 1) or table.is_bits else Fraction(repr(entry.scale)),
        shift=entry.shift,
        signed=entry.signed,
        is_float=entry.is_float,
        invert_mask=_invert_mask(entry, table),
        first_bit=entry.starting_bit_pos,
        use_bool=entry.use_bool,
        multi_write=own.multi_write,
        debounce_s=own.debounce_s,
        deadband=float(entry.deadband),
        format=own.format,
        name=entry.name,
        unit=entry.unit or entry.units,
    )


def note_point_keys(entry: PointEntry, findings: Findings) -> None:
    """Name the keys of an entry that have no effect."""
    findings.note_keys(entry, keys.POINT_IGNORED, keys.POINT_SILENT)
    if entry.type not in (None, "string"):
        findings.note_foreign(["type"], ())


def kind_of(entry: PointEntry, table: RegisterType) -> Kind:
    """Return how the bits of `entry` are read."""
    if table.is_bits:
        return Kind.BOOL
    if entry.is_text:
        return Kind.TEXT
    if entry.individual_bits:
        return Kind.INDIVIDUAL_BITS
    if entry.bit_field:
        return Kind.BIT_FIELD
    if entry.enum or entry.random_enum:
        return Kind.ENUM
    # An enum of two values is often marked as bool, too; its texts say more.
    return Kind.BOOL if entry.is_bool else Kind.NUMBER


def _invert_mask(entry: PointEntry, table: RegisterType) -> int:
    if not table.is_bits:
        return entry.invert_mask
    # Of a coil there is only one bit to invert; the original does so for a negative scale, too (modbus.md 1.5).
    return (entry.invert_mask & 1) ^ (entry.scale < 0)


def _unsigned(value: int, width: int) -> int | None:
    """Return a raw value as an unsigned integer of `width` bits; negative ones are in two's complement."""
    return value & (1 << width) - 1 if -(1 << width - 1) <= value < 1 << width else None


def _range_problems(entry: PointEntry, table: RegisterType, kind: Kind, offset: int) -> Iterator[tuple[str, str]]:
    if table.is_bits and entry.size != 1:
        yield "size", f"must be 1 in coils and discrete inputs, got {entry.size}"
    elif kind is Kind.TEXT and not 1 <= entry.size <= MAX_TEXT:
        yield "size", f"must be 1 to {MAX_TEXT} for a text, got {entry.size}"
    elif kind is not Kind.TEXT and entry.size not in (1, 2, 4):
        yield "size", f"must be 1, 2 or 4, got {entry.size}"
    elif not 0 <= offset <= MAX_ADDRESS + 1 - entry.size:
        yield "offset", f"with size {entry.size}, addresses must be in 0 to {MAX_ADDRESS}, got {offset}"
    else:
        yield from _bit_problems(entry, table)


def _bit_problems(entry: PointEntry, table: RegisterType) -> Iterator[tuple[str, str]]:
    if entry.invert_mask < 0 or entry.invert_mask >> 16 * entry.size:
        yield "invert_mask", f"{entry.invert_mask:#x} is wider than a register of size {entry.size}"
    bits = 1 if table.is_bits else 16 * entry.size
    if entry.starting_bit_pos + (entry.number_of_bits or 1) > bits:
        yield "number_of_bits", f"there are only {bits} bits"
    elif entry.is_float and (entry.starting_bit_pos or entry.number_of_bits not in (None, bits)):
        yield "float", "needs all bits of its registers"


def _flag_problems(entry: PointEntry, kind: Kind, table: RegisterType) -> Iterator[tuple[str, str]]:
    if entry.signed and entry.is_float:
        yield "float", "signed and float exclude each other"
    if entry.is_float and entry.size == 1 and not table.is_bits:
        yield "float", "needs size 2 or 4"
    flags = [name for name in ("bit_field", "individual_bits", "enum") if getattr(entry, name)]
    if entry.random_enum and not entry.enum:
        flags.append("random_enum")
    if entry.is_text:
        flags.append("text")
    if len(flags) > 1:
        yield flags[1], f"excludes {flags[0]}"
    elif kind is Kind.BOOL and entry.is_bool and not table.is_bits:
        flags = ["bool"]
    scaled = entry.scale not in (0, 1) or entry.shift
    if flags and not table.is_bits and (entry.signed or entry.is_float or scaled):
        yield flags[0], "excludes signed, float, scale and shift"
    if kind is Kind.TEXT and (entry.invalid or entry.starting_bit_pos or entry.number_of_bits or _is_ordered(entry)):
        yield "text", "excludes invalid, parts of registers, byte_swap and word_order"


def _is_ordered(entry: Any) -> bool:
    return bool(entry.byte_swap) or entry.word_order is not None
