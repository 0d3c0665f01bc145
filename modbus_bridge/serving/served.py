"""What the value of a served variable is in its registers, bit by bit, and back; pure.

The registers of a variable are taken as one integer here, in the order of their addresses: the first register is the
most significant. Several variables may share registers (packed registers), and a publisher may tell bits by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from modbus_bridge.config.model import Kind, Point, ServedPoint
from modbus_bridge.serving.faults import ILLEGAL_VALUE, Fault
from modbus_bridge.values import codec


class Bits(NamedTuple):
    """The bits in `mask` are as in `value`, which has no others."""

    mask: int
    value: int


def own(point: Point) -> int:
    """Return the mask of the bits that belong to a point."""
    return codec.placed(point, point.mask)


def needed(point: Point) -> int:
    """Return the mask of the bits that must be known before the point is: bits without a name are 0 anyway."""
    if point.kind is not Kind.INDIVIDUAL_BITS:
        return own(point)
    return codec.placed(point, sum(1 << point.first_bit + bit for bit in point.strings))


def names(point: Point) -> tuple[str, ...]:
    """Return the names that a publisher may use: its id, and those of its individual bits."""
    # Real files have registers with a single bit that is called as they are.
    return tuple(dict.fromkeys((point.id, *point.keys))) if point.kind is Kind.INDIVIDUAL_BITS else (point.id,)


def is_bit(point: Point, name: str, value: Any) -> bool:
    """Tell whether a published value is that of an individual bit, not the number of all of them."""
    if point.kind is not Kind.INDIVIDUAL_BITS or name not in point.strings.values():
        return False
    return name != point.id or isinstance(value, bool)


def mask_of(point: Point, name: str) -> int:
    """Return the mask of the bits that a name stands for."""
    if name == point.id:
        return own(point)
    return codec.placed(point, sum(1 << point.first_bit + bit for bit, known in point.strings.items() if known == name))


def bits_of(served: ServedPoint, name: str, value: Any) -> Bits:
    """Return what a published value is in the registers.

    Raises:
        ValueError: it is of the wrong type or does not fit; the text says what was expected.
    """
    point = served.point
    if is_bit(point, name, value):
        set_bits, clear_bits = codec.bit_change(point, name, value)
        return Bits(set_bits | clear_bits, set_bits)
    if served.last_bit and isinstance(value, list):
        # As the original: the element that was written last stands for all (modbus.md 2.4).
        last = value[-1] if value else 0
        value = last.get("value") if isinstance(last, dict) else last
        point = replace(point, kind=Kind.NUMBER)
    elif isinstance(value, bool) and point.kind is Kind.NUMBER and point.scale is None and not point.shift:
        # The same variable may be a coil for one master and a register for another.
        value = int(value)
    return Bits(own(point), codec.joined(codec.encode(point, value)))


def not_available(point: Point) -> Bits:
    """Return what is served while the value is unknown: nothing, or what the file says that stands for it."""
    if not point.invalid:
        return Bits(0, 0)
    return Bits(own(point), codec.joined(codec.words_of(point, max(point.invalid))))


def meant(point: Point, words: Sequence[int]) -> Any:
    """Return what a master means by these words: a plain number also for enums and bit fields (modbus.md 2.5).

    Raises:
        Fault: illegal value.
    """
    by_number = point.kind not in (Kind.BOOL, Kind.TEXT)
    value = codec.number(point, words) if by_number else codec.decode(point, words)
    if value is None:
        raise Fault(ILLEGAL_VALUE, f"{point.id}: the registers hold no value")
    return value


def meant_bits(point: Point, words: Sequence[int]) -> dict[str, tuple[int, bool]]:
    """Return the individual bits in these words: name -> (its mask, whether it is set)."""
    number = codec.joined(words) ^ codec.placed(point, point.invert_mask)
    found: dict[str, tuple[int, bool]] = {}
    for bit, name in point.strings.items():
        mask = codec.placed(point, 1 << point.first_bit + bit)
        found[name] = (mask, bool(number & mask))
    return found
