"""The connections to one device: one that is always there, and more while the device bears them and somebody waits."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from modbus_bridge.config.model import Connection, RegisterType, Serial
from modbus_bridge.device import Device, DeviceError, DeviceRefused
from modbus_bridge.polling.statistics import ChannelStatistics
from modbus_bridge.polling.turns import Turns

log = logging.getLogger(__name__)

# A device that bears no more connections is asked again seldom: some close an old one when a new one comes.
FIRST_RETRY_S: Final = 60.0
LAST_RETRY_S: Final = 960.0

ReadRequest = tuple[RegisterType, int, int, int]


class Channel:
    """One connection.

    Attributes:
        device: what speaks through it.
        statistics: what happened on it.
        ready_at_s: on the monotonic clock, when the next request may be sent.
    """

    __slots__ = ("device", "ready_at_s", "statistics")

    def __init__(self, connection: Connection, on_lost: Callable[[Channel], None]) -> None:
        self.device = Device(connection, lambda: on_lost(self))
        self.statistics = ChannelStatistics()
        self.ready_at_s = 0.0

    async def connect(self) -> None:
        """Open it; see `Device.connect`."""
        began_s = time.monotonic()
        await self.device.connect()
        self.statistics.connects += 1
        self.statistics.connect_times.record(time.monotonic() - began_s)


class Channels:
    """Lends out channels.

    More than one are opened only when somebody waits, in the background, and each has to prove itself by one read that
    the device has answered before: many devices accept a connection and leave it unserved, or refuse it. Either way
    the users go on with those that are there.
    """

    def __init__(self, connection: Connection, on_lost: Callable[[], None]) -> None:
        """`on_lost` is called when the device closes the last connection."""
        self._most = 1 if isinstance(connection.address, Serial) else connection.connections
        self._all = [Channel(connection, self._lost) for _ in range(self._most)]
        self._in_use = {self._all[0]}
        self._turns = Turns([self._all[0]])
        self._on_lost = on_lost
        self._pause_s = connection.pause_s
        self._proof: ReadRequest | None = None
        self._opening: asyncio.Task[None] | None = None
        self._retry_s = FIRST_RETRY_S
        self._grow_at_s = 0.0
        self._told_fewer = False

    @property
    def width(self) -> int:
        """How many it makes sense to ask for at once."""
        return len(self._in_use) + (1 if self._may_grow else 0)

    @property
    def are_open(self) -> int:
        """How many connections stand."""
        return sum(channel.device.is_connected for channel in self._in_use)

    @property
    def statistics(self) -> list[ChannelStatistics]:
        """What happened on each, those that were never opened included."""
        return [channel.statistics for channel in self._all]

    async def take(self, *, urgent: bool) -> Channel:
        """Wait for one's turn."""
        if not self._turns.is_free and self._may_grow and self._opening is None:
            self._opening = asyncio.create_task(self._open_another())
        return await self._turns.take(urgent=urgent)

    def release(self, channel: Channel) -> None:
        """Give one back; the next user gets it when its pause is over, so that urgent ones may still come before."""
        if self._pause_s and (pause_s := channel.ready_at_s - time.monotonic()) > 0:
            asyncio.get_running_loop().call_later(pause_s, self._give, channel)
        else:
            self._give(channel)

    async def replace(self, channel: Channel) -> Channel:
        """Return one to use instead of a broken one: another one, or itself if it is the only one."""
        return await self._turns.take(urgent=True) if self._drop(channel) else channel

    def proved(self, request: ReadRequest) -> None:
        """Remember a read that the device has answered."""
        self._proof = request

    def encourage(self) -> None:
        """Try more connections again: the device was away, and it may be another one that came back."""
        self._retry_s = FIRST_RETRY_S
        self._grow_at_s = 0.0

    def close(self) -> None:
        """Close all connections."""
        if self._opening is not None:
            self._opening.cancel()
        for channel in self._all:
            channel.device.close()

    @property
    def _may_grow(self) -> bool:
        return len(self._in_use) < self._most and self._proof is not None and time.monotonic() >= self._grow_at_s

    def _give(self, channel: Channel) -> None:
        if channel.device.is_connected or not self._drop(channel):
            self._turns.give(channel)

    def _drop(self, channel: Channel) -> bool:
        if len(self._in_use) == 1:
            return False
        self._in_use.discard(channel)
        return True

    def _lost(self, channel: Channel) -> None:
        if channel not in self._in_use:
            return
        if len(self._in_use) == 1:
            self._on_lost()
            return
        self._fewer("it closed one")
        if self._turns.withdraw(channel):
            self._in_use.discard(channel)

    async def _open_another(self) -> None:
        channel = next(channel for channel in self._all if channel not in self._in_use)
        try:
            await self._prove(channel)
        except DeviceError as error:
            channel.device.close()
            self._fewer(str(error))
        else:
            self._in_use.add(channel)
            self._turns.give(channel)
            log.debug("%s: %d connections", channel.device.address, len(self._in_use))
            if self._told_fewer and len(self._in_use) == self._most:
                log.info("%s: takes %d connections again", channel.device.address, self._most)
                self._told_fewer = False
        finally:
            self._opening = None

    async def _prove(self, channel: Channel) -> None:
        assert self._proof is not None  # noqa: S101 - `_may_grow` says so
        await channel.connect()
        try:
            await channel.device.read(*self._proof)
        except DeviceRefused:
            log.debug("%s: an exception is an answer too", channel.device.address)

    def _fewer(self, reason: str) -> None:
        self._grow_at_s = time.monotonic() + self._retry_s
        self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)
        if not self._told_fewer:
            self._told_fewer = True
            address = self._all[0].device.address
            log.warning("%s does not bear %d connections (%s); goes on with fewer", address, self._most, reason)
