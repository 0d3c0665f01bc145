"""Registers <-> values: what the bits of one point mean (modbus.md 1.5 and 3.1).

Words are 16-bit integers in the order of their addresses; a coil or discrete input is one word that is 0 or 1.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from modbus_bridge.config.model import Kind, Point

UNKNOWN = "Unknown"

_FLOATS = {2: ">f", 4: ">d"}


def decode(point: Point, words: Sequence[int]) -> Any:
    """Return the value of a point.

    A plain integer stays an integer, a scaled one and a float are floats (``None`` for NaN and infinity, which JSON
    lacks), an enum is ``[{"value": n, "string": s}]``, a bit field has such an object per set bit, and individual bits
    are an object of booleans by name.
    """
    match point.kind:
        case Kind.BOOL:
            return bool(raw(point, words))
        case Kind.NUMBER:
            return number(point, words)
        case Kind.ENUM:
            return [_named(point, raw(point, words))]
        case Kind.BIT_FIELD:
            bits = raw(point, words)
            return [_named(point, bit) for bit in range(bits.bit_length()) if bits >> bit & 1]
        case Kind.INDIVIDUAL_BITS:
            bits = raw(point, words)
            return {name: bool(bits >> bit & 1) for bit, name in point.strings.items()}


def published(point: Point, words: Sequence[int]) -> dict[str, Any]:
    """Return the keys and values that a point contributes to its component's body."""
    value = decode(point, words)
    return value if point.kind is Kind.INDIVIDUAL_BITS else {point.id: value}


def number(point: Point, words: Sequence[int]) -> int | float | None:
    """Return the number in the registers of a point, whatever its kind."""
    bits = raw(point, words)
    if point.is_float:
        measured: float = struct.unpack(_FLOATS[point.size], bits.to_bytes(2 * point.size, "big"))[0]
        scaled = (measured / float(point.scale) if point.scale else measured) + point.shift
        return scaled if math.isfinite(scaled) else None
    if point.signed and bits >> (16 * point.size - 1):
        bits -= 1 << 16 * point.size
    if point.scale is None:
        value = bits + point.shift
        # JSON has no integers beyond 64 bits, at least not in its common parsers.
        return value if -(1 << 63) <= value < 1 << 64 else float(value)
    # One division of exact integers gives the nearest float: 7 at scale 10 is 0.7, not 0.7000000000000001.
    return (bits * point.scale.denominator + point.shift * point.scale.numerator) / point.scale.numerator


def raw(point: Point, words: Sequence[int]) -> int:
    """Return the unsigned integer that the registers of a point form, word order and invert mask undone."""
    bits = 0
    for position in point.word_order or range(point.size):
        bits = bits << 16 | words[position]
    return bits ^ point.invert_mask


def encode(point: Point, value: Any) -> tuple[int, ...]:
    """Return the words that mean `value`.

    Numbers are rounded to the nearest register value. An enum takes a number, one of its strings or the published form;
    a bit field takes a mask or the published form; individual bits together take a mask.

    Raises:
        ValueError: it is of the wrong type or does not fit; the text says what was expected.
    """
    if point.kind is Kind.BOOL:
        return words_of(point, int(_boolean(value)))
    if point.kind is Kind.ENUM:
        value = _enum_number(point, value)
    elif point.kind is Kind.BIT_FIELD and isinstance(value, list):
        value = _mask(point, value)
    if point.kind is not Kind.NUMBER and isinstance(value, float) and not value.is_integer():
        raise ValueError(f"expected a whole number, got {value!r}")
    return words_of(point, _float_bits(point, value) if point.is_float else _integer_bits(point, value))


def bit_change(point: Point, name: str, value: Any) -> tuple[int, int]:
    """Return (set, clear): masks over the unsigned integer of a point, for one of its individual bits.

    Raises:
        ValueError: `value` is not a truth value.
    """
    mask = 1 << next(bit for bit, known in point.strings.items() if known == name)
    return (mask, 0) if _boolean(value) else (0, mask)


def words_of(point: Point, bits: int) -> tuple[int, ...]:
    """Return the words of the unsigned integer `bits`: the opposite of `raw`."""
    bits ^= point.invert_mask
    words = [0] * point.size
    for index, position in enumerate(reversed(point.word_order or range(point.size))):
        words[position] = bits >> 16 * index & 0xFFFF
    return tuple(words)


def _named(point: Point, value: int) -> dict[str, Any]:
    return {"value": value, "string": point.strings.get(value, UNKNOWN)}


def _integer_bits(point: Point, value: Any) -> int:
    exact = _exact(value) - point.shift
    scaled = exact * point.scale if point.scale else exact
    # Half away from zero, as people round; the originals truncate, so that 0.29 at scale 100 is written as 28.
    bits = math.floor(abs(scaled) + Fraction(1, 2)) * (-1 if scaled < 0 else 1)
    width = 16 * point.size
    low, high = (-1 << width - 1, (1 << width - 1) - 1) if point.signed else (0, (1 << width) - 1)
    if not low <= bits <= high:
        edges = sorted((_at(point, low), _at(point, high)))
        raise ValueError(f"{value!r} does not fit; expected {edges[0]:g} to {edges[1]:g}")
    return bits & (1 << width) - 1


def _at(point: Point, bits: int) -> float:
    return float((bits / point.scale if point.scale else bits) + point.shift)


def _float_bits(point: Point, value: Any) -> int:
    exact = _exact(value) - point.shift
    try:
        packed = struct.pack(_FLOATS[point.size], float(exact * point.scale if point.scale else exact))
    except OverflowError:
        raise ValueError(f"{value!r} does not fit into a {16 * point.size}-bit float") from None
    return int.from_bytes(packed, "big")


def _exact(value: Any) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {_shown(value)}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    # The shortest decimal is what the sender typed.
    return Fraction(repr(value))


def _boolean(value: Any) -> bool:
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    raise ValueError(f"expected true, false, 1 or 0, got {_shown(value)}")


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
    raise ValueError(f"expected a number or one of {', '.join(map(repr, point.strings.values()))}, got {_shown(value)}")


def _mask(point: Point, elements: list[Any]) -> int:
    mask = 0
    for element in elements:
        bit = element.get("value") if isinstance(element, dict) else element
        if isinstance(bit, bool) or not isinstance(bit, int) or not 0 <= bit < 16 * point.size:
            raise ValueError(f"expected bits 0 to {16 * point.size - 1}, got {_shown(element)}")
        mask |= 1 << bit
    return mask


def _shown(value: Any) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= 40 else text[:37] + "..."
