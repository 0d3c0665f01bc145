"""The registers that a server offers to masters: which exist, what they hold, what a write touches; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from modbus_bridge.config.model import RegisterType, ServedPoint

# Modbus Application Protocol 1.1b3, section 7.
ILLEGAL_ADDRESS: Final = 2
ILLEGAL_VALUE: Final = 3
DEVICE_FAILURE: Final = 4


class Fault(Exception):
    """What a master is told instead of an answer.

    Attributes:
        code: the Modbus exception code.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Registers:
    """Four tables of words; a register is *unknown* until its variable's owner was heard."""

    def __init__(self, points: Iterable[ServedPoint]) -> None:
        self._tables = {table: _Table() for table in RegisterType}
        for served in points:
            self._tables[served.point.type].add(served)

    def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return the words; addresses that are not defined read 0 between defined ones (modbus.md 2.5).

        Raises:
            Fault: illegal address outside of what is defined, device failure if a value is unknown.
        """
        return self._tables[table].read(start, count)

    def touched(
        self, table: RegisterType, start: int, words: Sequence[int]
    ) -> list[tuple[ServedPoint, tuple[int, ...]]]:
        """Return the variables that a write covers, with their new words.

        Raises:
            Fault: illegal address if none is defined there, illegal value if one is covered in part.
        """
        return self._tables[table].touched(start, words)

    def store(self, served: ServedPoint, words: Sequence[int] | None) -> None:
        """Give a variable new words, or make it unknown."""
        self._tables[served.point.type].store(served, words)


class _Table:
    def __init__(self) -> None:
        self._owners: dict[int, ServedPoint] = {}
        # Address -> word, for every defined address; None is unknown.
        self._words: dict[int, int | None] = {}
        self._first = 0
        self._end = 0

    def add(self, served: ServedPoint) -> None:
        point = served.point
        self._first = min(self._first, point.offset) if self._owners else point.offset
        self._end = max(self._end, point.end)
        for address in range(point.offset, point.end):
            self._owners[address] = served
            self._words[address] = None

    def read(self, start: int, count: int) -> list[int]:
        self._check(start, count)
        found: list[int] = []
        for address in range(start, start + count):
            word = self._words.get(address, 0)
            if word is None:
                owner = self._owners[address]
                raise Fault(DEVICE_FAILURE, f"{owner.uri}/{owner.point.id} is unknown")
            found.append(word)
        return found

    def touched(self, start: int, words: Sequence[int]) -> list[tuple[ServedPoint, tuple[int, ...]]]:
        self._check(start, len(words))
        end = start + len(words)
        found: list[tuple[ServedPoint, tuple[int, ...]]] = []
        address = start
        while address < end:
            owner = self._owners.get(address)
            if owner is None:
                address += 1
                continue
            point = owner.point
            if point.offset < start or point.end > end:
                raise Fault(ILLEGAL_VALUE, f"{owner.uri}/{point.id} has {point.size} registers; all must be written")
            found.append((owner, tuple(words[point.offset - start : point.end - start])))
            address = point.end
        if not found:
            # The originals say OK here; but nobody would hear of what was written.
            raise Fault(ILLEGAL_ADDRESS, "nothing is defined there")
        return found

    def store(self, served: ServedPoint, words: Sequence[int] | None) -> None:
        for index in range(served.point.size):
            self._words[served.point.offset + index] = None if words is None else words[index]

    def _check(self, start: int, count: int) -> None:
        if not self._first <= start <= start + count <= self._end:
            raise Fault(
                ILLEGAL_ADDRESS, f"{start} to {start + count - 1} is outside of {self._first} to {self._end - 1}"
            )
