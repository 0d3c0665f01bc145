"""One's turn on a line: a connection to the device for the length of a block."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from modbus_bridge.config.model import RegisterType
from modbus_bridge.device import Device, DeviceDiffers, DeviceError, DeviceLost, DeviceRefused
from modbus_bridge.polling.channels import Channel
from modbus_bridge.protocol import DEVICE_BUSY

if TYPE_CHECKING:
    from modbus_bridge.polling.line import Line

Answer = TypeVar("Answer")
Request = Callable[[Device], Awaitable[Answer]]


class Way:
    """A connection that nobody else uses meanwhile; `async with line.turn() as way`."""

    __slots__ = ("_channel", "_line", "_urgent")

    def __init__(self, line: Line, *, urgent: bool) -> None:
        self._line = line
        self._urgent = urgent
        # None while one waits for another one; a channel that was dropped may be somebody else's already.
        self._channel: Channel | None = None

    async def __aenter__(self) -> Way:
        self._channel = await self._line.channels.take(urgent=self._urgent)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._channel is not None:
            self._line.channels.release(self._channel)

    async def read(self, table: RegisterType, device_id: int, start: int, count: int) -> list[int]:
        """Read; see `Device.read`.

        A connection that breaks is opened again once: many devices close connections that they find idle, which says
        nothing about the battery behind them.
        """
        request: Request[list[int]] = lambda device: device.read(table, device_id, start, count)  # noqa: E731
        values = await self._ask(device_id, request, is_read=True)
        self._line.channels.proved((table, device_id, start, count))
        return values

    async def write(
        self,
        table: RegisterType,
        device_id: int,
        start: int,
        words: Sequence[int],
        *,
        multi_write: bool = False,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Write; see `Device.write`.

        Sent again only where the device said that it has not done it (busy); if the connection breaks, the first
        attempt may have had its effect. `before` is called each time right before it is sent, after all that takes
        time (to connect, a pause, a busy device); what it raises is raised here, and nothing is sent.
        """

        async def request(device: Device) -> None:
            before()
            await device.write(table, device_id, start, words, multi_write=multi_write)

        await self._ask(device_id, request, is_read=False)

    async def _ask(self, device_id: int, request: Request[Answer], *, is_read: bool) -> Answer:
        line = self._line
        line.check(device_id)
        attempts = 0
        while True:
            began_s = time.monotonic()
            try:
                answer = await self._attempt(request, is_read=is_read)
            except DeviceRefused as error:
                line.answered(device_id, is_busy=error.code == DEVICE_BUSY)
                pause_s = line.busy_pause_s(device_id, attempts) if error.code == DEVICE_BUSY else None
                if pause_s is None:
                    raise
            except DeviceDiffers:
                line.answered(device_id)
                raise
            except DeviceError as error:
                line.failed(device_id, error, time.monotonic() - began_s)
                raise
            else:
                line.answered(device_id)
                return answer
            await asyncio.sleep(pause_s)
            attempts += 1
            self._mine.statistics.repeats += 1

    @property
    def _mine(self) -> Channel:
        if self._channel is None:
            raise RuntimeError("outside of the turn")
        return self._channel

    async def _attempt(self, request: Request[Answer], *, is_read: bool) -> Answer:
        channel = self._mine
        if channel.device.is_connected:
            try:
                return await self._send(channel, request, is_read=is_read)
            except DeviceLost:
                if not is_read:
                    raise
                channel.statistics.repeats += 1
        self._channel = None
        self._channel = channel = await self._line.channels.replace(channel)
        if not channel.device.is_connected:
            await channel.connect()
        return await self._send(channel, request, is_read=is_read)

    async def _send(self, channel: Channel, request: Request[Answer], *, is_read: bool) -> Answer:
        began_s = time.monotonic()
        if channel.ready_at_s > began_s:
            await asyncio.sleep(channel.ready_at_s - began_s)
            began_s = time.monotonic()
        try:
            answer = await request(channel.device)
        except (DeviceRefused, DeviceDiffers) as error:
            channel.statistics.answered(time.monotonic() - began_s, is_read=is_read)
            if isinstance(error, DeviceRefused):
                channel.statistics.refused(error.code)
            raise
        except DeviceError:
            channel.statistics.failed()
            raise
        else:
            channel.statistics.answered(time.monotonic() - began_s, is_read=is_read)
            return answer
        finally:
            if self._line.pause_s:
                channel.ready_at_s = time.monotonic() + self._line.pause_s
