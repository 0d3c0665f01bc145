"""Which requests read the points of a component (modbus.md 9.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from modbus_bridge.config.model import Connection, Point, RegisterType, Serial
from modbus_bridge.protocol import MAX_READ_BITS, MAX_READ_REGISTERS

# Over TCP a request and its answer cost two frames of about 66 bytes and a turn-around; a register in a gap costs 2
# bytes.
_MAX_GAP_REGISTERS = 64
# On a serial line: a request, the frame around the answer, the silence around both, and the device's own time.
_SERIAL_CHARACTERS = 8 + 5 + 7
_SERIAL_TURN_AROUND_S = 0.005
_BITS_PER_CHARACTER = 11


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may read.

    Attributes:
        max_registers: the most registers, gaps included.
        max_bits: the most coils or discrete inputs.
        max_gap: the most registers that nobody asked for between two that somebody did, where another request would
            cost more; 0 if gaps are never read.
    """

    max_registers: int = MAX_READ_REGISTERS
    max_bits: int = MAX_READ_BITS
    max_gap: int = _MAX_GAP_REGISTERS

    @classmethod
    def of(cls, connection: Connection) -> Limits:
        """Return those of a connection."""
        return cls(
            min(connection.max_registers, MAX_READ_REGISTERS),
            min(connection.max_bits, MAX_READ_BITS),
            _gap(connection) if connection.read_gaps else 0,
        )

    def most(self, table: RegisterType) -> tuple[int, int]:
        """Return the longest read and the longest gap of a table, in its addresses."""
        return (self.max_bits, 16 * self.max_gap) if table.is_bits else (self.max_registers, self.max_gap)


def _gap(connection: Connection) -> int:
    if not isinstance(connection.address, Serial):
        # A pause before each request costs more than any gap.
        return MAX_READ_REGISTERS if connection.pause_s else _MAX_GAP_REGISTERS
    character_s = _BITS_PER_CHARACTER / connection.address.baud_rate
    request_s = _SERIAL_CHARACTERS * character_s + _SERIAL_TURN_AROUND_S + connection.pause_s
    return min(MAX_READ_REGISTERS, int(request_s / (2 * character_s)))


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


def blocks(points: Iterable[Point], limits: Limits = Limits()) -> list[Block]:
    """Return the fewest sensible requests that read all points, merged across gaps.

    Points may share registers. One that is longer than `limits` allow is read alone and as a whole: halves of a value
    that are read one after the other need not belong together.
    """
    found: list[Block] = []
    ordered = sorted(points, key=lambda point: (point.device_id, point.type, point.offset, point.size))
    for (_, table), group in groupby(ordered, key=lambda point: (point.device_id, point.type)):
        found += _merge(list(group), *limits.most(table))
    return found


def split(block: Block) -> list[Block]:
    """Return smaller requests for a block that the device refuses: cut at its gaps, else in halves.

    Halving finds one bad point among n in about log2(n) more requests a round and leaves the others in large
    blocks. A block whose points all lie in the same registers is returned as it is.
    """
    parts = _merge(list(block.points), block.count, 0)
    if len(parts) > 1:
        return parts
    points = block.points
    cuts = [at for at in range(1, len(points)) if _span(points[at]) != _span(points[at - 1])]
    if not cuts:
        return [block]
    middle = min(cuts, key=lambda at: abs(2 * at - len(points)))
    return [_block(points[:middle]), _block(points[middle:])]


def _merge(points: list[Point], most: int, max_gap: int) -> list[Block]:
    parts: list[list[Point]] = []
    start = end = 0
    for point in points:
        if parts and point.offset - end <= max_gap and max(end, point.end) - start <= most:
            parts[-1].append(point)
            end = max(end, point.end)
        else:
            parts.append([point])
            start, end = point.offset, point.end
    return [_block(tuple(part)) for part in parts]


def _block(points: tuple[Point, ...]) -> Block:
    first = points[0]
    end = max(point.end for point in points)
    return Block(first.type, first.device_id, first.offset, end - first.offset, points)


def _span(point: Point) -> tuple[int, int]:
    return point.offset, point.size
