"""What is in the device: registers that change with every read, and those that somebody wrote. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from modbus_bridge.config.model import RegisterType

# (number of the request, unit, table, address) -> 16 bits.
Source = Callable[[int, int, RegisterType, int], int]

_TABLE_NUMBERS: Final = {table: number for number, table in enumerate(RegisterType)}
_MASK: Final = (1 << 64) - 1


def scattered(number: int, unit: int, table: RegisterType, address: int) -> int:
    """Return a value that no other unit, table, address or request shares, but by chance (1 in 65,536).

    A value that stands in the wrong place, or for longer than it was true, is so told from a right one.
    """
    # SplitMix64's finaliser over the four, which lie side by side.
    bits = (number << 26 ^ unit << 18 ^ _TABLE_NUMBERS[table] << 16 ^ address) * 0x9E3779B97F4A7C15 & _MASK
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
    return bits >> 48


class Registers:
    """All addresses of all units: as `source` says until they are written, then what was written."""

    def __init__(self, source: Source = scattered) -> None:
        self._source = source
        self._written: dict[tuple[int, RegisterType, int], int] = {}

    def read(self, number: int, unit: int, table: RegisterType, start: int, count: int) -> tuple[int, ...]:
        """Return what request `number` finds."""
        mask = 1 if table.is_bits else 0xFFFF
        found = self._written.get
        return tuple(
            self._source(number, unit, table, address) & mask
            if (kept := found((unit, table, address))) is None
            else kept
            for address in range(start, start + count)
        )

    def write(self, unit: int, table: RegisterType, start: int, words: Sequence[int]) -> None:
        """Keep `words`; they stand until they are written again."""
        for address, word in enumerate(words, start):
            self._written[unit, table, address] = word
