"""The words of one table as they travel: which addresses exist, what they hold, which of them are unknown; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modbus_bridge.config.model import RegisterType
from modbus_bridge.serving.faults import DEVICE_FAILURE, ILLEGAL_ADDRESS, Fault
from modbus_bridge.serving.requests import bits, packed_bits, packed_registers, registers


class Memory:
    """Addresses from the first to the last one that is defined; those in between that are not hold 0 (modbus.md 2.5).

    A register is two bytes, high byte first, and a bit is one: to answer a read is to cut out a piece. A defined
    address is *unknown* until something is put there.
    """

    def __init__(self, table: RegisterType, spans: Iterable[tuple[int, int]]) -> None:
        """Define the addresses of each (start, end) in `spans`."""
        found = list(spans)
        self._is_bits = table.is_bits
        self._unit = 1 if table.is_bits else 2
        self._first = min((start for start, _ in found), default=0)
        self._end = max((end for _, end in found), default=0)
        size = self._end - self._first
        self._data = bytearray(self._unit * size)
        self._defined = bytearray(size)
        self._unknown = bytearray(size)
        for start, end in found:
            inside = slice(start - self._first, end - self._first)
            self._defined[inside] = self._unknown[inside] = bytes([1]) * (end - start)

    def read(self, start: int, count: int) -> bytes | bytearray:
        """Return what answers a read: registers as they travel, or packed bits.

        Raises:
            Fault: illegal address outside of what is defined, device failure if something is unknown.
        """
        self.check(start, count)
        at = start - self._first
        if (unknown := self._unknown.find(1, at, at + count)) >= 0:
            raise Fault(DEVICE_FAILURE, f"what is at {self._first + unknown} is unknown")
        data = self._data[self._unit * at : self._unit * (at + count)]
        return packed_bits(data) if self._is_bits else data

    def words(self, start: int, count: int) -> tuple[int, ...]:
        """Return the same as words, or bits as 0 and 1.

        Raises:
            Fault: as `read`.
        """
        data = bytes(self.read(start, count))
        return bits(data, count) if self._is_bits else registers(data)

    def put(self, start: int, words: Sequence[int]) -> None:
        """Let the addresses from `start` on, all of them defined, hold `words`."""
        at = start - self._first
        data = bytes(words) if self._is_bits else packed_registers(words)
        self._data[self._unit * at : self._unit * (at + len(words))] = data
        self._unknown[at : at + len(words)] = bytes(len(words))

    def forget(self, start: int, count: int) -> None:
        """Make addresses, all of them defined, unknown."""
        at = start - self._first
        self._unknown[at : at + count] = bytes([1]) * count

    def is_defined(self, address: int) -> bool:
        """Tell whether there is something at an address."""
        return self._first <= address < self._end and bool(self._defined[address - self._first])

    def check(self, start: int, count: int) -> None:
        """Refuse what reaches outside of what is defined.

        Raises:
            Fault: illegal address.
        """
        if start < self._first or start + count > self._end:
            here = f"{self._first} to {self._end - 1}" if self._end else "nothing"
            raise Fault(ILLEGAL_ADDRESS, f"{start} to {start + count - 1}: defined is {here}")

    @property
    def unknown(self) -> int:
        """How many addresses are unknown."""
        return self._unknown.count(1)
