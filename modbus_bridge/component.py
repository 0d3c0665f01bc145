"""One component on the bus: polled and published on its schedule, read by get, written by set."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from ess_bus import uri as uris
from ess_bus.client import AsyncBus
from ess_bus.errors import BusError
from ess_bus.message import Message
from modbus_bridge.config.model import Component
from modbus_bridge.decoder import decoder_of
from modbus_bridge.device import DeviceError, DeviceLost, DeviceSilent, DeviceUnreachable
from modbus_bridge.line import Line
from modbus_bridge.orders import Catalogue, Write, unknown
from modbus_bridge.reader import Answers, Reader
from modbus_bridge.schedule import Schedule
from modbus_bridge.way import Way

log = logging.getLogger(__name__)

CONNECTED = "component_connected"
# Enough for any burst of people and scripts; a queue that is longer hides that the device cannot keep up.
_MAX_WAITING = 256
# A silent device is announced at once and then again for those who come later; once per second (less the jitter of a
# tick) is enough.
_MIN_DOWN_PERIOD_S = 0.9


class ComponentTask:
    """What the process does for one component: two loops, `poll_forever` and `serve_forever`."""

    def __init__(self, component: Component, line: Line, bus: AsyncBus) -> None:
        self.uri = f"/components/{component.id}"
        self._component = component
        self._line = line
        self._bus = bus
        self._device_ids = sorted({point.device_id for point in component.points})
        self._catalogue = Catalogue(component)
        self._reader = Reader(self.uri, component.points)
        self._inbox: asyncio.Queue[Message] = asyncio.Queue(_MAX_WAITING)
        self._wake = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._nothing: dict[str, Any] = dict.fromkeys(key for point in component.points for key in point.keys)
        self._body: dict[str, Any] | None = None
        self._connected = False
        self._down_published_s = float("-inf")
        self._unpublished = 0
        self._told_late = False

    def wake(self) -> None:
        """Poll now: something about the device changed."""
        self._wake.set()

    async def take(self, message: Message) -> None:
        """Queue a message of the bus that concerns this component."""
        if message.method not in ("get", "set"):
            await self._refuse(message, f"{message.method} is not supported; expected get or set")
            return
        try:
            self._inbox.put_nowait(message)
        except asyncio.QueueFull:
            await self._refuse(message, f"{_MAX_WAITING} requests are waiting already")

    async def retire(self) -> None:
        """Say for the last time that nothing is known any more: nobody reads the device from now on."""
        self._down_published_s = float("-inf")
        await self._tell([], connected=False)

    async def poll_forever(self) -> None:
        """Poll and publish on the configured schedule, and whenever `wake` is called."""
        schedule = Schedule(self._component.period_s, time.monotonic() + self._component.phase_s)
        while True:
            await self._wait(schedule)
            now_s = time.monotonic()
            if now_s >= schedule.next_s:
                skipped = schedule.skipped
                schedule.advance(now_s)
                self._note_late(schedule.skipped - skipped)
            await self._refresh()

    async def serve_forever(self) -> None:
        """Answer the queued requests, one after the other, so that a get after a set sees its effect."""
        while True:
            message = await self._inbox.get()
            path = uris.relative(message.uri, self.uri) or ()
            if message.method == "get":
                await self._get(message, path)
            else:
                await self._set(message, path)

    def _note_late(self, skipped: int) -> None:
        # Polls that were missed because the device was silent say nothing about its pace.
        if skipped and self._connected and not self._told_late:
            self._told_late = True
            period_ms = 1000 * self._component.period_s
            log.warning("%s: the device is too slow for every %g ms; late polls are skipped", self.uri, period_ms)

    async def _wait(self, schedule: Schedule) -> None:
        deadline_s = schedule.next_s
        if not self._line.is_up(self._device_ids):
            # A component that is polled every 10 s must not take 10 s to see its device back.
            deadline_s = min(deadline_s, self._line.retry_at_s(self._device_ids))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), max(0.0, deadline_s - time.monotonic()))
        self._wake.clear()

    async def _refresh(self) -> None:
        async with self._refreshing:
            try:
                answers = await self._reader.read(self._line, time.monotonic())
            except (DeviceUnreachable, DeviceSilent):
                await self._tell([], connected=False)
            else:
                await self._tell(answers, connected=True)

    async def _tell(self, answers: Answers, *, connected: bool) -> None:
        self._connected = connected
        # A register of this name (a device that speaks for another one) has the last word while there is an answer.
        self._body = {CONNECTED: connected, **self._nothing}
        for block, registers in answers:
            if registers is not None:
                self._body |= decoder_of(block)(registers)
        if not connected:
            self._body[CONNECTED] = False
        await self._publish()

    async def _publish(self) -> None:
        now_s = time.monotonic()
        if self._connected:
            self._down_published_s = float("-inf")
        elif now_s - self._down_published_s < _MIN_DOWN_PERIOD_S:
            return
        else:
            self._down_published_s = now_s
        try:
            await self._bus.publish(self.uri, {**(self._body or {}), "Timestamp": _timestamp()})
        except BusError as error:
            if not self._unpublished:
                log.warning("%s: not published: %s", self.uri, error)
            self._unpublished += 1
            return
        if self._unpublished:
            log.info("%s: published again; %d were lost", self.uri, self._unpublished)
            self._unpublished = 0

    async def _get(self, message: Message, path: tuple[str, ...]) -> None:
        if len(path) > 1:
            await self._refuse(message, f"{'/'.join(path)}: expected at most one segment, the register's name")
            return
        if self._body is None:
            await self._refresh()
        body = self._body or {}
        name = path[0] if path else None
        if name == CONNECTED:
            await self._reply(message, body[CONNECTED])
        elif name is not None and name not in self._catalogue.names:
            await self._refuse(message, f"{name}: {unknown(name, self._catalogue.names)}")
        elif name is None:
            # Also of a silent device: the values are null and component_connected says why.
            await self._reply(message, body)
        elif not self._connected:
            await self._refuse(message, self._silence())
        elif name in body:
            await self._reply(message, body[name])
        else:  # the id of a register that is published bit by bit
            await self._reply(message, {key: body[key] for key in self._catalogue.bits_of(name)})

    async def _set(self, message: Message, path: tuple[str, ...]) -> None:
        try:
            writes = self._catalogue.writes(path, message.json())
        except ValueError as error:
            await self._refuse(message, str(error))
            return
        written: list[str] = []
        try:
            async with self._line.turn(urgent=True) as way:
                for write in writes:
                    await self._write(way, write)
                    written.append(write.point.id)
        except DeviceError as error:
            await self._refuse(message, self._failure(error, writes, written))
        else:
            await self._reply(message, message.body)
        await self._refresh()

    async def _write(self, way: Way, write: Write) -> None:
        point, words = write.point, write.words
        if words is None:
            current = await way.read(point.type, point.device_id, point.offset, point.size)
            words = write.words_after(current)
        await way.write(point.type, point.device_id, point.offset, words, multi_write=point.multi_write)

    def _failure(self, error: DeviceError, writes: list[Write], written: list[str]) -> str:
        reason = self._silence() if isinstance(error, DeviceUnreachable) else str(error)
        if isinstance(error, DeviceSilent | DeviceLost):
            reason = f"{reason}; whether {writes[len(written)].point.id} was written is unknown"
        if len(writes) == 1:
            return reason
        return f"{writes[len(written)].point.id}: {reason}; written before: {', '.join(written) or 'nothing'}"

    def _silence(self) -> str:
        return f"device at {self._line.address} does not answer"

    async def _reply(self, message: Message, value: Any) -> None:
        # The requester learns from its own time-out that the broker went away.
        with suppress(BusError):
            await self._bus.reply(message, value)

    async def _refuse(self, message: Message, reason: str) -> None:
        with suppress(BusError):
            await self._bus.refuse(message, reason)


def _timestamp() -> str:
    """Now in UTC, as consumers of the original expect it (modbus.md 3.1)."""
    return datetime.now(UTC).strftime("%m-%d-%Y %H:%M:%S.%f")
