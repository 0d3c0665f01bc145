"""The registers that a unit offers to masters: which variables they are, what a write touches; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modbus_bridge.config.model import RegisterType, ServedPoint
from modbus_bridge.serving import served as meaning
from modbus_bridge.serving.faults import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE, Fault
from modbus_bridge.serving.memory import Memory
from modbus_bridge.serving.served import Bits
from modbus_bridge.values import codec


class Slot:
    """Registers that are written together: those of one variable, or of several that share them.

    Attributes:
        served: the variables.
        known: the mask of the bits that are known.
        bits: what they are; see `modbus_bridge.serving.served` for how registers are one integer.
    """

    __slots__ = ("_absent", "_needed", "bits", "known", "offset", "served", "size", "table")

    def __init__(self, table: RegisterType, offset: int, size: int) -> None:
        self.table = table
        self.offset = offset
        self.size = size
        self.served: list[ServedPoint] = []
        self.known = 0
        self.bits = 0
        self._needed = 0
        self._absent = Bits(0, 0)

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.offset + self.size

    @property
    def words(self) -> tuple[int, ...] | None:
        """What a master reads; ``None`` while that is unknown."""
        absent = self._absent
        if self._needed & ~(self.known | absent.mask):
            return None
        return codec.parted(self.size, self.bits | absent.value & ~self.known)

    def add(self, served: ServedPoint) -> None:
        """Let a variable lie in these registers."""
        self.served.append(served)
        self._needed |= meaning.needed(served.point)
        absent = meaning.not_available(served.point)
        self._absent = Bits(self._absent.mask | absent.mask, self._absent.value | absent.value)

    def knows(self, served: ServedPoint) -> bool:
        """Tell whether one of its variables is known."""
        return not meaning.needed(served.point) & ~self.known


class Registers:
    """Four tables; a register is *unknown* until all that lies in it was heard from its owners."""

    def __init__(self, points: Iterable[ServedPoint], left_out: Iterable[tuple[RegisterType, int, int]] = ()) -> None:
        """Lay out the variables; nothing serves what was `left_out`, so it stays unknown.

        Raises:
            ValueError: two of them overlap without sharing the same registers.
        """
        self._slots: dict[RegisterType, dict[int, Slot]] = {table: {} for table in RegisterType}
        for served in points:
            self._add(served)
        self._left_out: dict[RegisterType, set[int]] = {table: set() for table in RegisterType}
        for table, start, end in left_out:
            self._left_out[table] |= set(range(start, end)) - self._slots[table].keys()
        self._memories = {
            table: Memory(table, _spans(slots.values(), self._left_out[table])) for table, slots in self._slots.items()
        }
        for slot in self.slots:
            self._show(slot)

    @property
    def slots(self) -> list[Slot]:
        """All slots, in the order of their variables in the file."""
        return list(dict.fromkeys(slot for slots in self._slots.values() for slot in slots.values()))

    def packed(self, table: RegisterType, start: int, count: int) -> bytes | bytearray:
        """Return the answer to a read as it travels; addresses that are not defined read 0 between defined ones.

        Raises:
            Fault: illegal address outside of what is defined, device failure if a value is unknown.
        """
        return self._memories[table].read(start, count)

    def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return the same as words, or bits as 0 and 1; raises as `packed`."""
        return list(self._memories[table].words(start, count))

    def touched(self, table: RegisterType, start: int, count: int) -> list[Slot]:
        """Return what a write covers.

        Raises:
            Fault: illegal address if nothing is defined there, illegal value if something is covered in part, device
                failure if it covers what was left out.
        """
        self._memories[table].check(start, count)
        slots, end = self._slots[table], start + count
        if self._left_out[table] and not self._left_out[table].isdisjoint(range(start, end)):
            raise Fault(DEVICE_FAILURE, "the configuration has something there that cannot be used")
        found = list(dict.fromkeys(slots[address] for address in range(start, end) if address in slots))
        for slot in found:
            if slot.offset < start or slot.end > end:
                what = " and ".join(f"{served.uri}/{served.point.id}" for served in slot.served)
                raise Fault(ILLEGAL_VALUE, f"{what} has {slot.size} registers; all must be written")
        if not found:
            # The originals say OK here; but nobody would hear of what was written.
            raise Fault(ILLEGAL_ADDRESS, "nothing is defined there")
        return found

    def store(self, slot: Slot, bits: Bits) -> None:
        """Let some bits of a slot be known, and be as given."""
        slot.bits = slot.bits & ~bits.mask | bits.value
        slot.known |= bits.mask
        self._show(slot)

    def forget(self, slot: Slot, mask: int) -> None:
        """Make some bits of a slot unknown."""
        slot.bits &= ~mask
        slot.known &= ~mask
        self._show(slot)

    def _add(self, served: ServedPoint) -> None:
        point = served.point
        slots = self._slots[point.type]
        there = {slots[address] for address in range(point.offset, point.end) if address in slots}
        if not there:
            slot = Slot(point.type, point.offset, point.size)
            slots.update(dict.fromkeys(range(point.offset, point.end), slot))
        else:
            slot = there.pop()
            if there or (slot.offset, slot.size) != (point.offset, point.size):
                raise ValueError(
                    f"{served.uri}/{point.id} overlaps with {slot.served[0].uri}/{slot.served[0].point.id}"
                )
        slot.add(served)

    def _show(self, slot: Slot) -> None:
        words, memory = slot.words, self._memories[slot.table]
        if words is None:
            memory.forget(slot.offset, slot.size)
        else:
            memory.put(slot.offset, words)


def _spans(slots: Iterable[Slot], left_out: Iterable[int]) -> set[tuple[int, int]]:
    return {(slot.offset, slot.end) for slot in slots} | {(address, address + 1) for address in left_out}


def words_in(slot: Slot, start: int, words: Sequence[int]) -> tuple[int, ...]:
    """Return the part of a write from `start` on that belongs to a slot."""
    return tuple(words[slot.offset - start : slot.end - start])
