"""Which requests read the points of a component (modbus.md 9.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from modbus_bridge.config.model import Point, RegisterType

# Modbus Application Protocol 1.1b3, 6.1 to 6.4.
MAX_REGISTERS = 125
MAX_BITS = 2000
# A request and its answer cost two frames of about 66 bytes and a turn-around; a register in a gap costs 2 bytes.
_MAX_GAP_REGISTERS = 64
_MAX_GAP_BITS = 16 * _MAX_GAP_REGISTERS


@dataclass(frozen=True, slots=True)
class Block:
    """One read request; `points` are in the order of their addresses and lie inside of it.

    `decoders` belongs to `decoder.decoder_of`, which keeps there what it has compiled.
    """

    type: RegisterType
    device_id: int
    start: int
    count: int
    points: tuple[Point, ...]
    decoders: list[Callable[[Sequence[int]], dict[str, Any]]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def words(self, point: Point, registers: Sequence[int]) -> Sequence[int]:
        """Return the part of the block's `registers` that belongs to `point`."""
        return registers[point.offset - self.start : point.end - self.start]

    @property
    def key(self) -> tuple[RegisterType, int, int, int]:
        """What tells it from other requests."""
        return self.type, self.device_id, self.start, self.count


def blocks(points: Iterable[Point]) -> list[Block]:
    """Return the fewest sensible requests that read all points, merged across gaps."""
    found: list[Block] = []
    ordered = sorted(points, key=lambda point: (point.device_id, point.type, point.offset))
    for (_, table), group in groupby(ordered, key=lambda point: (point.device_id, point.type)):
        found += _merge(list(group), _MAX_GAP_BITS if table.is_bits else _MAX_GAP_REGISTERS)
    return found


def split(block: Block) -> list[Block]:
    """Return smaller requests for a block that the device refuses: cut at its gaps, else in halves.

    Halving finds one bad point among n in about log2(n) more requests a round and leaves the others in large
    blocks. The block of a single point is returned as it is.
    """
    parts = _merge(list(block.points), 0)
    if len(parts) > 1 or len(block.points) == 1:
        return parts
    middle = len(block.points) // 2
    return [_block(block.points[:middle]), _block(block.points[middle:])]


def _merge(points: list[Point], max_gap: int) -> list[Block]:
    limit = MAX_BITS if points[0].type.is_bits else MAX_REGISTERS
    parts: list[list[Point]] = [[points[0]]]
    for point in points[1:]:
        last = parts[-1]
        if point.offset - last[-1].end <= max_gap and point.end - last[0].offset <= limit:
            last.append(point)
        else:
            parts.append([point])
    return [_block(tuple(part)) for part in parts]


def _block(points: tuple[Point, ...]) -> Block:
    first, last = points[0], points[-1]
    return Block(first.type, first.device_id, first.offset, last.end - first.offset, points)
