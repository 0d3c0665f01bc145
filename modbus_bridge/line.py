"""One connection, many users: whose turn it is, and whether the units behind it answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from modbus_bridge.config.model import Connection, RegisterType
from modbus_bridge.device import Device, DeviceError, DeviceLost, DeviceRefused, DeviceSilent, DeviceUnreachable
from modbus_bridge.health import Health

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Turns:
    """A lock that serves its urgent waiters first, each kind in the order of arrival."""

    def __init__(self) -> None:
        self._taken = False
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def turn(self, *, urgent: bool) -> AsyncIterator[None]:
        """Hold the lock for the block."""
        if self._taken:
            await self._wait(self._urgent if urgent else self._others)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        for queue in (self._urgent, self._others):
            while queue:
                waiter = queue.popleft()
                if not waiter.done():
                    # It stays taken on the way to the next holder, so nobody can slip in between.
                    waiter.set_result(None)
                    return
        self._taken = False


class Line:
    """The way to a device: connects when it is used, asks a silent unit only now and then, one request at a time."""

    def __init__(self, connection: Connection, device_ids: Iterable[int], on_change: Callable[[], None]) -> None:
        """`on_change` is called when a unit stops to answer or answers again, and when the connection breaks."""
        self._device = Device(connection, on_change)
        self._turns = Turns()
        self._on_change = on_change
        self._health = Health()
        self._units = {device_id: Health() for device_id in device_ids}

    @property
    def address(self) -> str:
        """Where the device is, as HOST:PORT."""
        return self._device.address

    def is_up(self, device_ids: Iterable[int]) -> bool:
        """Tell whether all these units answered when they were asked last."""
        return self._health.is_up and all(self._units[device_id].is_up for device_id in device_ids)

    def retry_at_s(self, device_ids: Iterable[int]) -> float:
        """Return the time on the monotonic clock from which a request to all these units is sent."""
        return max(health.retry_at_s for health in (self._health, *(self._units[unit] for unit in device_ids)))

    @asynccontextmanager
    async def turn(self, *, urgent: bool = False) -> AsyncIterator[Line]:
        """Have the connection alone for the block, which may read and write; urgent ones go first."""
        async with self._turns.turn(urgent=urgent):
            yield self

    async def read(self, table: RegisterType, device_id: int, start: int, count: int) -> list[int]:
        """Read in one's turn; see `Device.read`.

        A connection that breaks is opened again once: many devices close connections that they find idle, which says
        nothing about the battery behind them.
        """
        return await self._ask(device_id, lambda: self._device.read(table, device_id, start, count), repeat=True)

    async def write(self, table: RegisterType, device_id: int, start: int, words: Sequence[int]) -> None:
        """Write in one's turn; see `Device.write`. Never repeated: the first attempt may have had its effect."""
        await self._ask(device_id, lambda: self._device.write(table, device_id, start, words), repeat=False)

    def close(self) -> None:
        """Close the connection."""
        self._device.close()

    async def _ask(self, device_id: int, request: Callable[[], Awaitable[Answer]], *, repeat: bool) -> Answer:
        unit = self._units[device_id]
        for health in (self._health, unit):
            if not health.may_try(time.monotonic()):
                raise DeviceUnreachable(health.reason)
        try:
            answer = await self._attempt(request, repeat)
        except DeviceUnreachable as error:
            self._failed(self._health, error)
            raise
        except DeviceSilent as error:
            self._failed(unit, error)
            raise
        except DeviceRefused:
            self._answered(unit, device_id)
            raise
        self._answered(unit, device_id)
        return answer

    async def _attempt(self, request: Callable[[], Awaitable[Answer]], repeat: bool) -> Answer:
        if self._device.is_connected:
            try:
                return await request()
            except DeviceLost:
                if not repeat:
                    raise
        await self._device.connect()
        return await request()

    def _failed(self, health: Health, error: DeviceError) -> None:
        if health.failed(str(error), time.monotonic()):
            log.warning("%s; published as not connected until it answers", error)
            self._on_change()

    def _answered(self, unit: Health, device_id: int) -> None:
        # Both, whatever comes first: the connection was lost, or only this unit was silent.
        if self._health.answered() | unit.answered():
            log.info("%s answers again (device id %d)", self.address, device_id)
            self._on_change()
