"""Whole blocks of registers -> the keys and values that are published; compiled once per block, pure.

Most points of most devices are plain or scaled integers and floats: those are unpacked by one `struct` call and
finished group by group, in loops that run in C. What is rarer goes through its `meaning`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from math import isfinite
from operator import itemgetter, truediv
from struct import Struct
from typing import Any

from modbus_bridge.config.model import Kind, Point
from modbus_bridge.polling.plan import Block
from modbus_bridge.values.meaning import is_inverted, meaning_of

Decoder = Callable[[Sequence[int]], dict[str, Any]]

_UNSIGNED = {1: "H", 2: "I", 4: "Q"}
_FLOATS = {2: "f", 4: "d"}


class _Group(IntEnum):
    """How a point is finished after unpacking; points are unpacked in the order of these."""

    PLAIN = 0
    DIVIDED = 1
    FLOAT = 2
    TRUTH = 3
    OTHER = 4
    FLAGS = 5


def decoder_of(block: Block) -> Decoder:
    """Return what turns the registers of `block` into naked values by key, those of all its points (see `codec`).

    A block keeps its decoder, so that both are gone when it is split or merged.
    """
    if not block.decoders:
        block.decoders.append(_compiled(block))
    return block.decoders[0]


def _compiled(block: Block) -> Decoder:
    grouped: list[list[Point]] = [[] for _ in _Group]
    for point in block.points:
        grouped[_group(point)].append(point)
    unpacked = _unpacker(block, grouped)
    ends = [sum(map(len, grouped[: group + 1])) for group in _Group]
    plain, divided, floats, truths = (tuple(point.id for point in group) for group in grouped[: _Group.OTHER])
    divisors = [point.scale.numerator for point in grouped[_Group.DIVIDED] if point.scale]
    others = [(point.id, _finish(point)) for point in grouped[_Group.OTHER]]
    flags = [_finish(point) for point in grouped[_Group.FLAGS]]

    def decode(registers: Sequence[int]) -> dict[str, Any]:
        fields = unpacked(registers)
        values: dict[str, Any] = dict(zip(plain, fields, strict=False))
        if divided:
            values.update(zip(divided, map(truediv, fields[ends[0] : ends[1]], divisors), strict=True))
        if floats:
            # Adding 0 turns -0.0 into 0.0 (see `meaning`).
            finite = [field + 0.0 if isfinite(field) else None for field in fields[ends[1] : ends[2]]]
            values.update(zip(floats, finite, strict=True))
        if truths:
            values.update(zip(truths, map(bool, fields[ends[2] : ends[3]]), strict=True))
        for (key, finish), field in zip(others, fields[ends[3] : ends[4]], strict=True):
            values[key] = finish(field)
        for finish, field in zip(flags, fields[ends[4] :], strict=True):
            values.update(finish(field))
        return values

    return decode


def _group(point: Point) -> _Group:
    """Return the fastest way to finish a point that is right for it."""
    if point.kind is Kind.INDIVIDUAL_BITS:
        return _Group.FLAGS
    if point.invalid or point.invert_mask or point.is_part or point.first_bit:
        return _Group.OTHER
    if point.kind is Kind.BOOL:
        return _Group.TRUTH if point.use_bool and point.size == 1 and not is_inverted(point) else _Group.OTHER
    if point.kind is not Kind.NUMBER or point.shift or point.size not in _UNSIGNED:
        return _Group.OTHER
    if point.scale is None:
        return _Group.FLOAT if point.is_float else _Group.PLAIN
    is_integer = point.scale > 0 and point.scale.denominator == 1
    return _Group.DIVIDED if is_integer and not point.is_float else _Group.OTHER


def _unpacker(block: Block, grouped: Sequence[Sequence[Point]]) -> Callable[[Sequence[int]], tuple[Any, ...]]:
    """Return what turns the registers of a block into one field for each point, a number or (odd sizes) bytes."""
    points = [point for group in grouped for point in group]
    pick = _picker(block, points)
    layout = "".join(_layout(point, group) for group in _Group for point in grouped[group])
    if layout == "H" * len(points):
        return pick
    unpack = Struct(">" + layout).unpack
    pack = Struct(f">{sum(point.size for point in points)}H").pack
    return lambda registers: unpack(pack(*pick(registers)))


def _picker(block: Block, points: Sequence[Point]) -> Callable[[Sequence[int]], tuple[int, ...]]:
    """Return what brings registers into the order of the points, the most significant word of each first.

    That leaves gaps out, and gives registers that several points share to each of them.
    """
    wanted = [
        point.offset - block.start + position for point in points for position in point.word_order or range(point.size)
    ]
    if wanted == list(range(block.count)):
        return tuple
    if len(wanted) == 1:
        return lambda registers: (registers[wanted[0]],)
    return itemgetter(*wanted)


def _layout(point: Point, group: _Group) -> str:
    """Return the `struct` format of a point's field."""
    match group:
        case _Group.FLOAT:
            return _FLOATS[point.size]
        case _Group.PLAIN | _Group.DIVIDED if point.signed:
            return _UNSIGNED[point.size].lower()
        case _:
            return _UNSIGNED.get(point.size, f"{2 * point.size}s")


def _finish(point: Point) -> Callable[[Any], Any]:
    """Return what turns the field of a point into its value."""
    meaning = meaning_of(point)
    invert_mask, first_bit, own = point.invert_mask, point.first_bit, (1 << point.width) - 1

    def finish(field: int) -> Any:
        return meaning((field ^ invert_mask) >> first_bit & own)

    def finish_bytes(field: bytes) -> Any:
        return finish(int.from_bytes(field, "big"))

    if point.size not in _UNSIGNED:
        return finish_bytes
    return finish if point.is_part or first_bit or invert_mask else meaning
