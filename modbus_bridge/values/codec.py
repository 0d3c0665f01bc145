"""Registers <-> values: where the bits of one point lie, and what they mean (modbus.md 1.5 and 3.1).

Words are 16-bit integers in the order of their addresses; a coil or discrete input is one word that is 0 or 1. Where
words are one integer, the first one is the most significant.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modbus_bridge.config.model import Kind, Point
from modbus_bridge.values.bits import bits_of, truth_of
from modbus_bridge.values.meaning import UNKNOWN, meaning_of, number_of

__all__ = [
    "UNKNOWN",
    "bit_change",
    "change",
    "changed",
    "decode",
    "encode",
    "joined",
    "number",
    "parted",
    "placed",
    "published",
    "raw",
    "words_of",
]


def decode(point: Point, words: Sequence[int]) -> Any:
    """Return the value of a point; see `meaning.meaning_of`."""
    return meaning_of(point)(raw(point, words))


def published(point: Point, words: Sequence[int]) -> dict[str, Any]:
    """Return the keys and values that a point contributes to its component's body."""
    value = decode(point, words)
    return value if point.kind is Kind.INDIVIDUAL_BITS else {point.id: value}


def number(point: Point, words: Sequence[int]) -> int | float | None:
    """Return the number in the registers of a point, whatever its kind; ``None`` if it is not available."""
    bits = raw(point, words)
    found: int | float | None = None if bits in point.invalid else number_of(point)(bits)
    return found


def raw(point: Point, words: Sequence[int]) -> int:
    """Return the unsigned integer of a point: word order and invert mask undone, cut to its own bits."""
    if point.size == 1:
        bits = words[0]
    else:
        bits = 0
        for position in point.word_order or range(point.size):
            bits = bits << 16 | words[position]
    return (bits ^ point.invert_mask) >> point.first_bit & (1 << point.width) - 1


def encode(point: Point, value: Any) -> tuple[int, ...]:
    """Return the words that mean `value` (see `bits.bits_of`); bits that are not the point's own are 0.

    Raises:
        ValueError: it is of the wrong type or does not fit; the text says what was expected.
    """
    return words_of(point, bits_of(point, value))


def words_of(point: Point, bits: int) -> tuple[int, ...]:
    """Return the words of the unsigned integer `bits`, the opposite of `raw`; other bits in the words are 0."""
    mask = (1 << point.width) - 1
    if point.size == 1:
        # Its words have no order.
        return ((bits << point.first_bit ^ point.invert_mask) & mask << point.first_bit,)
    return parted(point.size, _told(point, bits, mask))


def change(point: Point, value: Any) -> tuple[int, int]:
    """Return (set, clear): masks over its words as one integer, for writing a point beside others.

    Raises:
        ValueError: as `encode`.
    """
    return _change(point, bits_of(point, value), (1 << point.width) - 1)


def bit_change(point: Point, name: str, value: Any) -> tuple[int, int]:
    """Return (set, clear) as `change`, for one of the individual bits of a point.

    Raises:
        ValueError: `value` is not a truth value.
    """
    mask = 1 << next(bit for bit, known in point.strings.items() if known == name)
    return _change(point, mask if truth_of(value) else 0, mask)


def changed(words: Sequence[int], set_bits: int, clear_bits: int) -> tuple[int, ...]:
    """Return `words` with the masks of one or more changes applied."""
    return parted(len(words), joined(words) & ~clear_bits | set_bits)


def joined(words: Sequence[int]) -> int:
    """Return words as one integer; a coil is 0 or 1."""
    number = 0
    for word in words:
        number = number << 16 | word
    return number


def parted(size: int, number: int) -> tuple[int, ...]:
    """Return the words of one integer, the opposite of `joined`."""
    return tuple(number >> 16 * index & 0xFFFF for index in reversed(range(size)))


def placed(point: Point, bits: int) -> int:
    """Return where bits that are counted in the word order of a point lie in its words."""
    if not point.word_order:
        return bits
    words = [0] * point.size
    for position, word in zip(point.word_order, parted(point.size, bits), strict=True):
        words[position] = word
    return joined(words)


def _change(point: Point, bits: int, mask: int) -> tuple[int, int]:
    return _told(point, bits, mask), _told(point, ~bits, mask)


def _told(point: Point, bits: int, mask: int) -> int:
    """Return where the bits of `mask` lie in the words, with the values that tell the point's own `bits`."""
    return placed(point, (bits << point.first_bit ^ point.invert_mask) & mask << point.first_bit)
