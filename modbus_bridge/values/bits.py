"""Values -> bits: which unsigned integer of a point means a value, or why none does (modbus.md 1.5); pure."""

from __future__ import annotations

import json
import math
import struct
from fractions import Fraction
from typing import Any

from modbus_bridge.config.model import Kind, Point
from modbus_bridge.values.meaning import FLOATS, is_inverted

# How far a few operations on floats are off, relative to the largest operand.
_ROUNDING = 2.0**-50


def bits_of(point: Point, value: Any) -> int:
    """Return the bits that mean `value`, the opposite of `meaning.meaning_of`.

    Numbers are rounded to the nearest that the point can hold. An enum takes a number, one of its strings or the
    published form; a bit field takes a mask, bit numbers or the published form; individual bits take a mask.

    Raises:
        ValueError: it is of the wrong type or does not fit; the text says what was expected.
    """
    try:
        bits = _bits_of(point, value)
    except OverflowError:
        raise ValueError(f"{shown(value)} is too large") from None
    if bits in point.invalid:
        raise ValueError(f'{shown(value)} would be stored as {bits:#x}, which means "not available" there')
    return bits


def truth_of(value: Any) -> bool:
    """Return a truth value; gen-3 took the words for it as well (modbus.md 3.3).

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise ValueError(f"expected true, false, 1 or 0, got {shown(value)}")


def shown(value: Any) -> str:
    """Return `value` as JSON, cut where it becomes too long for a line."""
    text = json.dumps(value, default=repr)
    return text if len(text) <= 40 else text[:37] + "..."


def _bits_of(point: Point, value: Any) -> int:
    if point.kind is Kind.NUMBER:
        return _number_bits(point, value)
    match point.kind:
        case Kind.BOOL:
            return int(truth_of(value) is not is_inverted(point))
        case Kind.TEXT:
            return int.from_bytes(_padded(point, value), "big")
        case Kind.ENUM:
            value = _enum_number(point, value)
        case Kind.BIT_FIELD if isinstance(value, list):
            value = _mask(point, value)
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        raise ValueError(f"expected a whole number, got {value!r}")
    return _number_bits(point, value)


def _number_bits(point: Point, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {shown(value)}")
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    return _float_bits(point, value) if point.is_float else _integer_bits(point, value)


def _integer_bits(point: Point, value: float) -> int:
    bits = _nearest(point, value)
    width = point.width
    low, high = (-1 << width - 1, (1 << width - 1) - 1) if point.signed else (0, (1 << width) - 1)
    if not low <= bits <= high:
        edges = sorted(Fraction(edge) / (point.scale or 1) + point.shift for edge in (low, high))
        raise ValueError(f"{value!r} does not fit; expected {_edge(edges[0])} to {_edge(edges[1])}")
    return bits & (1 << width) - 1


def _nearest(point: Point, value: float) -> int:
    """Return ``(value - shift) * scale`` rounded half away from zero, as people round.

    The originals truncate, so that 0.29 at scale 100 is written as 28. The value is taken as the decimal that it is
    printed as, which is what the sender typed: 1.005 at scale 100 is 101, though the float is a little less.
    """
    factor, divisor = (1, 1) if point.scale is None else (point.scale.numerator, point.scale.denominator)
    if isinstance(value, float):
        about = (value - point.shift) * factor / divisor
        margin = (abs(value) + abs(point.shift)) * abs(factor) / divisor * _ROUNDING
        # Exact arithmetic costs ten times as much, and only matters close to the middle between two integers.
        if abs(abs(about) % 1 - 0.5) > margin:
            return math.floor(abs(about) + 0.5) * (-1 if about < 0 else 1)
        exact = (_exact(value) - point.shift) * factor / divisor
        numerator, denominator = exact.numerator, exact.denominator
    else:
        numerator, denominator = (value - point.shift) * factor, divisor
    nearest = (2 * abs(numerator) + denominator) // (2 * denominator)
    return -nearest if numerator < 0 else nearest


def _float_bits(point: Point, value: float) -> int:
    try:
        stored = float(value)
        if point.scale is not None or point.shift:
            stored = float((_exact(value) - point.shift) * (point.scale or 1))
        packed = struct.pack(FLOATS[point.width], stored)
    except OverflowError:
        raise ValueError(f"{shown(value)} does not fit into a {point.width}-bit float") from None
    return int.from_bytes(packed, "big")


def _exact(value: float) -> Fraction:
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _edge(edge: Fraction) -> str:
    return str(edge) if edge.denominator == 1 else f"{float(edge):.12g}"


def _enum_number(point: Point, value: Any) -> Any:
    if isinstance(value, list):
        if len(value) != 1:
            raise ValueError(f"expected one enum value, got {len(value)}")
        value = value[0]
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str):
        return value
    for candidate, name in point.strings.items():
        if name == value:
            return candidate
    raise ValueError(f"expected a number or one of {', '.join(map(repr, point.strings.values()))}, got {shown(value)}")


def _mask(point: Point, elements: list[Any]) -> int:
    mask = 0
    for element in elements:
        bit = element.get("value") if isinstance(element, dict) else element
        if isinstance(bit, bool) or not isinstance(bit, int) or not 0 <= bit < point.width:
            raise ValueError(f"expected bits 0 to {point.width - 1}, got {shown(element)}")
        mask |= 1 << bit
    return mask


def _padded(point: Point, value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"expected a text, got {shown(value)}")
    size = 2 * point.size
    if len(value) > size:
        raise ValueError(f"{shown(value)} has {len(value)} characters; expected {size} at most")
    for char in value:
        if not char.isprintable() or ord(char) > 0xFF:
            raise ValueError(f"{shown(char)} cannot be stored; expected printable characters of Latin-1")
    return value.encode("latin-1").ljust(size, b"\0")
