"""`Master`: one connection to a controller, its heartbeat, orders written to it, and what it shows."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any, Final

from ess_bus.service.measures import Measure
from modbus_bridge.config.model import Point
from modbus_bridge.device import Device, DeviceError, DeviceRefused
from modbus_bridge.values import codec
from tools.hybridos import metrics
from tools.hybridos.orders import Order
from tools.hybridos.registers import LIFE, STATE, Registers

log = logging.getLogger(__name__)

# The lowest bit that is set counts last: what is told first is what matters most.
_STATES: Final = {4: "fault", 1: "stop", 2: "run", 8: "standby"}
_MOST_LIFE: Final = 0x7FFFFFFF


class Master:
    """A Modbus master.

    Attributes:
        seen: register -> value as it was looked at last; ``None`` is not known, as everything is without a connection.
        rounds: what became of rounds and orders.
    """

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self._device = Device(registers.connection, self._lost)
        self._lock = asyncio.Lock()
        self.rounds = metrics.Rounds()
        self._beats: int | None = None
        self._is_reachable: bool | None = None
        self.seen: dict[str, Any] = dict.fromkeys(registers.watched)

    @property
    def address(self) -> str:
        """Where the controller is."""
        return self._device.address

    @property
    def state(self) -> str | None:
        """The state of the plant in a word; ``None`` if it is not known."""
        bits = self.seen[STATE]
        if not isinstance(bits, int):
            return None
        return next((word for bit, word in _STATES.items() if bits & bit), f"{bits}")

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of the controller."""
        unknown = sum(value is None for value in self.seen.values())
        is_reached = self._is_reachable is True
        return metrics.measures(self.rounds, time.monotonic(), is_reached=is_reached, unknown=unknown)

    def close(self) -> None:
        """Close the connection."""
        self._device.close()

    async def write(self, *orders: Order) -> None:
        """Write registers, one after another; nothing, if one of the values does not fit into its register.

        Raises:
            ValueError: a value does not fit; the text says what was expected.
            DeviceError: the controller refuses, or cannot be reached. What came before was written.
        """
        points = [self._registers.written[one.register] for one in orders]
        words = [_encoded(point, one.value) for point, one in zip(points, orders, strict=True)]
        written = self.rounds.orders
        try:
            async with self._lock:
                await self._connected()
                for point, one in zip(points, words, strict=True):
                    await self._write(point, one)
                    self.rounds.orders += 1
                    log.info("%s = %s", point.id, codec.number(point, one))
        except DeviceError:
            self.rounds.orders_failed += len(orders) - (self.rounds.orders - written)
            raise

    async def round(self, *, beat: bool) -> None:
        """Beat, if that is wanted, and look at everything; a controller that cannot be reached is said once."""
        begun_s = time.monotonic()
        try:
            async with self._lock:
                await self._connected()
                if beat:
                    await self._beat()
                for name, point in self._registers.watched.items():
                    self.seen[name] = await self._read(point)
        except DeviceError as error:
            self.rounds.failed += 1
            self._unreachable(str(error))
        else:
            self.rounds.ended(begun_s, time.monotonic())
            if not self._is_reachable:
                log.info("connected to %s", self.address)
            self._is_reachable = True

    async def _connected(self) -> None:
        if not self._device.is_connected:
            await self._device.connect()

    async def _beat(self) -> None:
        """Count up, from where the register stands: another master, or this one before, may have counted."""
        point = self._registers.written[LIFE]
        if self._beats is None:
            found = await self._read(point)
            self._beats = int(found) if isinstance(found, int | float) else 0
        # 0 is what the register has before anybody beats.
        self._beats = self._beats % _MOST_LIFE + 1 if self._beats >= 0 else 1
        await self._write(point, codec.encode(point, self._beats))

    async def _write(self, point: Point, words: tuple[int, ...]) -> None:
        await self._device.write(point.type, point.device_id, point.offset, words, multi_write=point.multi_write)

    async def _read(self, point: Point) -> int | float | None:
        """Return a value; ``None`` if the controller does not know it."""
        try:
            words = await self._device.read(point.type, point.device_id, point.offset, point.size)
        except DeviceRefused:
            return None
        return codec.number(point, words)

    def _lost(self) -> None:
        self._unreachable(f"{self.address} closed the connection")

    def _unreachable(self, why: str) -> None:
        # What was seen before may not be true any more.
        self.seen = dict.fromkeys(self._registers.watched)
        if self._is_reachable is not False:
            log.warning("%s", why)
        self._is_reachable = False


def _encoded(point: Point, value: float) -> tuple[int, ...]:
    try:
        return codec.encode(point, value)
    except ValueError as error:
        raise ValueError(f"{point.id}: {error}") from None
