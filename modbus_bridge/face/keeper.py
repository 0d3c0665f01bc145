"""What goes on by the clock for one component: its written heartbeat, its watchdog, and the events about both."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ess_bus.client import AsyncBus
from modbus_bridge.config.model import Component, Heartbeat, Point
from modbus_bridge.events import ALARM, Events
from modbus_bridge.face.heartbeat import WrittenHeartbeat
from modbus_bridge.face.image import Image
from modbus_bridge.face.lasting import Loop
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.presence import Presence
from modbus_bridge.face.pulse import Pulse
from modbus_bridge.face.writer import WriteFailed, Writer
from modbus_bridge.polling.schedule import Schedule
from modbus_bridge.values.orders import Catalogue

log = logging.getLogger(__name__)


class Keeper:
    """Beats for a component, and looks after its watchdog.

    Attributes:
        beats: heartbeats that the device has confirmed.
        failed: those that it has not.
    """

    def __init__(
        self,
        component: Component,
        image: Image,
        pulse: Pulse,
        overlay: Overlay,
        writer: Writer,
        bus: AsyncBus,
        events: Events,
        on_change: Callable[[], None],
    ) -> None:
        self.beats = 0
        self.failed = 0
        self._component = component
        self._image = image
        self._pulse = pulse
        self._writer = writer
        self._bus = bus
        self._events = events
        self._on_change = on_change
        self._overlay = overlay
        self._catalogue = Catalogue(component)
        heartbeat = component.heartbeat
        self._presence = None if heartbeat is None or heartbeat.control is None else Presence(bus, heartbeat.control)
        self._why_still: str | None = None
        self._news = asyncio.Event()
        pulse.on_news = self._news.set

    def loops(self) -> list[Loop]:
        """Return what is to be done, each until it is cancelled."""
        found: list[Loop] = []
        heartbeat, watchdog = self._component.heartbeat, self._component.watchdog
        if heartbeat is not None and heartbeat.write_id is not None:
            point = next(point for point in self._component.points if point.id == heartbeat.write_id)
            found.append(partial(self._beat_forever, heartbeat, point))
        if self._presence is not None:
            found += [self._presence.listen_forever, self._presence.ask_forever]
        if watchdog is not None:
            found.append(partial(self._watch_forever, watchdog.period_s))
        if self._pulse.keys:
            found.append(self._tell_forever)
        return found

    def statistics(self) -> dict[str, Any]:
        """Return what `_stats` tell of the written heartbeat; nothing if none is written."""
        heartbeat = self._component.heartbeat
        if heartbeat is None or heartbeat.write_id is None:
            return {}
        return {
            "heartbeats_written": self.beats,
            "heartbeats_failed": self.failed,
            "heartbeat_stopped": self._why_still,
        }

    async def _beat_forever(self, heartbeat: Heartbeat, point: Point) -> None:
        counter = WrittenHeartbeat(heartbeat, point)
        schedule = Schedule(heartbeat.period_s, time.monotonic())
        while True:
            await asyncio.sleep(max(0.0, schedule.next_s - time.monotonic()))
            schedule.advance(time.monotonic())
            self._note_still(self._reason_to_stand_still(point))
            value = counter.next(self._pulse.beat_value) if self._why_still is None else None
            if value is None:
                continue
            # One that cannot be written within its period is replaced by the next.
            await self._beat(point, value, time.monotonic() + heartbeat.period_s)

    def _reason_to_stand_still(self, point: Point) -> str | None:
        """Return why nothing is written: a device must not think that it is controlled when it is not."""
        if not self._bus.connected:
            return "there is no broker"
        if self._presence is not None and not self._presence.is_there:
            return f"{self._presence.name} is not on the bus"
        if not self._writer.is_up([point.device_id]):
            return self._writer.silence
        refusal = self._overlay.refusal(point.id)
        return None if refusal is None else f"{point.id} is {refusal}"

    async def _beat(self, point: Point, value: int, deadline_s: float) -> None:
        try:
            writes = self._catalogue.writes((point.id,), value)
            await self._writer.carry_out(writes, deadline_s, [], urgent=False)
        except (WriteFailed, ValueError) as error:
            self.failed += 1
            log.debug("/components/%s: heartbeat not written: %s", self._component.id, error)
        else:
            self.beats += 1

    def _note_still(self, reason: str | None) -> None:
        if reason != self._why_still:
            self._why_still = reason
            state = f"stops: {reason}" if reason else "is written"
            log.info("/components/%s: its heartbeat %s", self._component.id, state)

    async def _watch_forever(self, period_s: float) -> None:
        while True:
            await asyncio.sleep(period_s)
            if self._pulse.watch(self._image, time.monotonic()):
                self._on_change()

    async def _tell_forever(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._pulse.news:
                message, severity = self._pulse.news.popleft()
                log.log(logging.WARNING if severity >= ALARM else logging.INFO, "%s", message)
                await self._events.post(message, severity)
