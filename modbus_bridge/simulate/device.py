"""The memory of a simulated device: what its points say is there, and what masters write; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from modbus_bridge.config.model import Kind, RegisterType, ServedPoint, ServedUnit
from modbus_bridge.serving import served as meaning
from modbus_bridge.serving.faults import ILLEGAL_ADDRESS, Fault
from modbus_bridge.serving.memory import Memory
from modbus_bridge.serving.requests import MaskWrite
from modbus_bridge.simulate import plausible
from modbus_bridge.values import codec

_HOLDING = RegisterType.HOLDING


class SimulatedUnit:
    """The tables of one unit (see `serving.desk.ReadyTables`). Points may overlap: they read the same memory."""

    def __init__(self, device: SimulatedDevice, unit: ServedUnit) -> None:
        self._device = device
        self.points = unit.points
        self._memories = {table: Memory(table, _spans(table, unit.points)) for table in RegisterType}
        for served in unit.points:
            self._memories[served.point.type].put(served.point.offset, [0] * served.point.size)

    def words(self, served: ServedPoint) -> tuple[int, ...]:
        """Return the registers of a point."""
        return self._memories[served.point.type].words(served.point.offset, served.point.size)

    def put(self, served: ServedPoint, bits: meaning.Bits) -> None:
        """Change bits in the registers of a point."""
        point = served.point
        number = codec.joined(self.words(served)) & ~bits.mask | bits.value
        self._memories[point.type].put(point.offset, codec.parted(point.size, number))

    def packed(self, table: RegisterType, start: int, count: int) -> bytes | bytearray:
        """Return what answers a read, or raise `Fault`."""
        return self._memories[table].read(start, count)

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        """Return words, or raise `Fault`."""
        return list(self._memories[table].words(start, count))

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        """Let the registers that are there hold `words`, or raise `Fault`."""
        memory = self._memories[table]
        memory.check(start, len(words))
        defined = [address for address in range(start, start + len(words)) if memory.is_defined(address)]
        if not defined:
            raise Fault(ILLEGAL_ADDRESS, "nothing is defined there")
        for address in defined:
            memory.put(address, words[address - start : address - start + 1])
        self._device.written(self, table, start, start + len(words))

    async def mask_write(self, change: MaskWrite) -> None:
        """Change bits of a holding register, or raise `Fault`."""
        current = self._memories[_HOLDING].words(change.address, 1)[0]
        await self.write(_HOLDING, change.address, [change.applied(current)])


class SimulatedDevice:
    """All units of a simulation, and their variables by owner and name."""

    def __init__(self, units: Sequence[ServedUnit], seed: int) -> None:
        self.units = {unit.device_id: SimulatedUnit(self, unit) for unit in units}
        self._random = Random(f"{seed} drift")
        # Owner -> name -> where it is; a variable may be in several tables.
        self.places: dict[str, dict[str, list[tuple[SimulatedUnit, ServedPoint]]]] = {}
        # What a master has written stays as it is.
        self._set: set[tuple[str, str]] = set()
        for unit, served in self._points():
            for name in meaning.names(served.point):
                self.places.setdefault(served.uri, {}).setdefault(name, []).append((unit, served))
        self._numbers = [(unit, served) for unit, served in self._points() if served.point.kind is Kind.NUMBER]
        for _, served in self._points():
            self._try(served, plausible.value(served, seed))

    def assign(self, uri: str, name: str, value: Any) -> None:
        """Let a variable have a value, wherever it is shown.

        Raises:
            ValueError: it does not fit; nothing is changed.
        """
        places = [(unit, served, meaning.bits_of(served, name, value)) for unit, served in self.places[uri][name]]
        for unit, served, bits in places:
            unit.put(served, bits)

    def wander(self, turn: int = 0, turns: int = 1) -> None:
        """Let the numbers that no master has written go a small step; of `turns` parts of them, this one."""
        for unit, served in self._numbers[turn::turns]:
            point = served.point
            if (served.uri, point.id) in self._set:
                continue
            current = codec.number(point, unit.words(served))
            if current is not None:
                self._try(served, plausible.wandered(point, current, self._random))

    def written(self, unit: SimulatedUnit, table: RegisterType, start: int, end: int) -> None:
        """Hear that a master wrote registers: the other places of their variables follow."""
        for served in unit.points:
            point = served.point
            if point.type is not table or point.offset >= end or point.end <= start:
                continue
            self._set.add((served.uri, point.id))
            if len(self.places[served.uri][point.id]) > 1:
                try:
                    value = meaning.meant(point, unit.words(served))
                except Fault:
                    continue
                self._try(served, value)

    def _try(self, served: ServedPoint, value: Any) -> None:
        try:
            self.assign(served.uri, served.point.id, value)
        except ValueError:
            # A point that can hold next to nothing, or one of whose places can hold less: it keeps what it has.
            return

    def _points(self) -> Iterator[tuple[SimulatedUnit, ServedPoint]]:
        for unit in self.units.values():
            for served in unit.points:
                yield unit, served


def _spans(table: RegisterType, points: Sequence[ServedPoint]) -> list[tuple[int, int]]:
    return [(served.point.offset, served.point.end) for served in points if served.point.type is table]
