"""Bits -> values: what the unsigned integer of a point means (modbus.md 1.5); pure.

The bits of a point are what `codec.raw` gives: word order and invert mask undone, cut to the point's own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

from modbus_bridge.config.model import Kind, Point

UNKNOWN = "Unknown"
# Width -> how IEEE 754 is packed.
FLOATS = {32: ">f", 64: ">d"}
# What a text shows in place of a character that nobody can see.
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"
# A scale this extreme can make an integer larger than any float.
_SURELY_FINITE = 1 << 1000

Meaning = Callable[[int], Any]


def meaning_of(point: Point) -> Meaning:
    """Return what turns the bits of `point` into its value.

    A plain integer stays an integer, a scaled one and a float are floats (``None`` for NaN and infinity, which JSON
    lacks), an enum is ``[{"value": n, "string": s}]``, a bit field has such an object per set bit, individual bits are
    an object of booleans by name, and a text is a string. Bits that say "not available" mean ``None``.
    """
    available = _available(point)
    if not point.invalid:
        return available
    invalid = point.invalid
    if point.kind is Kind.INDIVIDUAL_BITS:
        return lambda bits: dict.fromkeys(point.keys) if bits in invalid else available(bits)
    return lambda bits: None if bits in invalid else available(bits)


def number_of(point: Point) -> Meaning:
    """Return what turns the bits of `point` into a number, whatever its kind."""
    if point.is_float:
        return _measured(point)
    return _counted(point) if point.scale is None else _scaled(point)


def _available(point: Point) -> Meaning:
    strings = point.strings
    match point.kind:
        case Kind.NUMBER:
            return number_of(point)
        case Kind.BOOL:
            shown: tuple[Any, Any] = (False, True) if point.use_bool else (0, 1)
            unset, is_set = reversed(shown) if is_inverted(point) else shown
            return lambda bits: is_set if bits else unset
        case Kind.ENUM:
            return lambda bits: [{"value": bits, "string": strings.get(bits, UNKNOWN)}]
        case Kind.BIT_FIELD:
            return lambda bits: [
                {"value": bit, "string": strings.get(bit, UNKNOWN)}
                for bit in range(bits.bit_length())
                if bits >> bit & 1
            ]
        case Kind.INDIVIDUAL_BITS:
            masks = [(name, 1 << bit) for bit, name in strings.items()]
            return lambda bits: {name: bits & mask != 0 for name, mask in masks}
        case Kind.TEXT:
            return lambda bits: _text(bits.to_bytes(2 * point.size, "big"))


def is_inverted(point: Point) -> bool:
    """Whether a truth value is stored the other way round: what a negative scale means there (modbus.md 1.5)."""
    return point.scale is not None and point.scale < 0


def _counted(point: Point) -> Meaning:
    sign, shift = _sign(point), point.shift

    def counted(bits: int) -> int | float:
        value = (bits ^ sign) - sign + shift
        # JSON has no integers beyond 64 bits, at least not in its common parsers.
        return value if -(1 << 63) <= value < 1 << 64 else float(value)

    return counted


def _scaled(point: Point) -> Meaning:
    assert point.scale is not None  # noqa: S101 - for the type checker
    # One division of exact integers gives the nearest float: 7 at scale 10 is 0.7, not 0.7000000000000001. The divisor
    # is the positive one, so that 0 at scale -10 is 0.0, not -0.0.
    turned = -1 if point.scale < 0 else 1
    divisor, factor = turned * point.scale.numerator, turned * point.scale.denominator
    sign, addend = _sign(point), point.shift * divisor

    def scaled(bits: int) -> float:
        return (((bits ^ sign) - sign) * factor + addend) / divisor

    def scaled_or_none(bits: int) -> float | None:
        try:
            return scaled(bits)
        except OverflowError:
            return None

    largest = (abs(factor) << point.width) + abs(addend)
    return scaled if largest // divisor < _SURELY_FINITE else scaled_or_none


def _measured(point: Point) -> Meaning:
    layout, size, shift = struct.Struct(FLOATS[point.width]), point.width // 8, point.shift
    divisor = 1.0 if point.scale is None else float(point.scale)

    def measured(bits: int) -> float | None:
        (value,) = layout.unpack(bits.to_bytes(size, "big"))
        # Adding 0 turns -0.0, which no display should show, into 0.0.
        value = value / divisor + shift
        return value if math.isfinite(value) else None

    return measured


def _sign(point: Point) -> int:
    """Return the highest bit where it is a sign: ``(bits ^ sign) - sign`` is two's complement."""
    return 1 << point.width - 1 if point.signed else 0


def _text(padded: bytes) -> str:
    text = padded.partition(b"\0")[0].decode("latin-1").rstrip(" ")
    return text if text.isprintable() else "".join(char if char.isprintable() else _UNPRINTABLE for char in text)
