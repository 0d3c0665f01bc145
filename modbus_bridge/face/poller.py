"""Polling one component on its schedule, and keeping its image."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from modbus_bridge.config.model import Component
from modbus_bridge.device import DeviceError
from modbus_bridge.face.alarm import Alarm
from modbus_bridge.face.image import Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.polling.line import Line
from modbus_bridge.polling.plan import Block
from modbus_bridge.polling.reader import Key, Reader
from modbus_bridge.polling.schedule import Schedule
from modbus_bridge.polling.spread import Spread
from modbus_bridge.polling.statistics import ReaderStatistics
from modbus_bridge.process import log_error

log = logging.getLogger(__name__)

# A silent device is announced again for those who come later, about once a second.
_DOWN_PERIOD_S = 1.0
_AFTER_AN_ERROR_S = 1.0


class Poller:
    """Reads a component when it is due, when it is woken, and when somebody needs to know.

    `on_read` is called after each attempt; who publishes does so while the next request is already under way.

    Attributes:
        lateness: how long after its deadline each tick began.
        read_times: how long reading everything took.
        waits: how long each request waited for its turn on the line.
        answers: how long the device took for each.
        block_times: the last of these by block, of the blocks of the last poll.
        skipped: ticks that were left out because the one before was not over.
        polls: attempts to read, whatever came of them.
        failures: attempts that the device did not answer.
        errors: attempts that ended in an error of this program.
    """

    def __init__(
        self, uri: str, component: Component, line: Line, image: Image, overlay: Overlay, on_read: Callable[[], None]
    ) -> None:
        self.lateness = Spread()
        self.read_times = Spread()
        self.waits = Spread()
        self.answers = Spread()
        self.block_times: dict[Key, float] = {}
        self.skipped = 0
        self.polls = 0
        self.failures = 0
        self.errors = 0
        self._uri = uri
        self._component = component
        self._line = line
        self._image = image
        self._overlay = overlay
        self._on_read = on_read
        self._device_ids = sorted({point.device_id for point in component.points})
        self._reader = Reader(uri, component.points)
        self._reader.on_block = self._note_block
        self._alarm = Alarm()
        self._reading = asyncio.Lock()
        self._wanted = 1
        self._seen = 0
        self._told_late = False
        self._must_adapt = False

    @property
    def statistics(self) -> ReaderStatistics:
        """What reading costs, and what the device does not let it read."""
        return self._reader.statistics

    def timings(self) -> dict[str, float]:
        """Return how long each block took in the last poll, named as in gen-1 (modbus.md 1.2)."""
        times = sorted(self.block_times.items())
        return {f"{key[0]}_{index:02}_time_ms": round(1000 * took_s, 3) for index, (key, took_s) in enumerate(times)}

    def reset_timings(self) -> None:
        """Begin to measure anew."""
        for spread in (self.lateness, self.read_times, self.waits, self.answers):
            spread.reset()

    def wake(self) -> None:
        """Poll now: something about the device changed."""
        self._alarm.ring()

    def outdate(self) -> None:
        """Say that what was read until now may be wrong; a poll follows at once."""
        self._wanted += 1
        self._alarm.ring()

    def adapt(self) -> None:
        """Read what the overlay leaves to be read, from the next poll on."""
        self._must_adapt = True
        self.outdate()

    async def current(self) -> None:
        """Return when the image is no older than this call's last `outdate`; read the device if it is."""
        if self._seen < self._wanted:
            await self._refresh(at_least=self._wanted)

    async def poll_forever(self) -> None:
        """Poll on the configured schedule, and whenever `wake` is called."""
        schedule = Schedule(self._component.period_s, time.monotonic() + self._component.phase_s)
        while True:
            await self._wait(schedule)
            now_s = time.monotonic()
            if now_s >= schedule.next_s:
                if self._image.connected:  # the pauses of a silent device say nothing about the schedule
                    self.lateness.record(now_s - schedule.next_s)
                skipped = schedule.skipped
                schedule.advance(now_s)
                self._note_late(schedule.skipped - skipped)
            await self._refresh()

    def _note_late(self, skipped: int) -> None:
        # Polls that were missed because the device was silent say nothing about its pace.
        if not skipped or not self._image.connected:
            return
        self.skipped += skipped
        if not self._told_late:
            self._told_late = True
            period_ms = 1000 * self._component.period_s
            log.warning("%s: the device is too slow for every %g ms; late polls are skipped", self._uri, period_ms)

    async def _wait(self, schedule: Schedule) -> None:
        deadline_s = schedule.next_s
        if not self._line.is_up(self._device_ids):
            # A component that is polled every 10 s must not take 10 s to see its device back, and one that is polled
            # every 10 ms need not find out each time that it is not there.
            now_s = time.monotonic()
            deadline_s = min(max(self._line.retry_at_s(self._device_ids), now_s), now_s + _DOWN_PERIOD_S)
        await self._alarm.sleep_until(deadline_s)

    async def _refresh(self, at_least: int | None = None) -> None:
        async with self._reading:
            if at_least is not None and self._seen >= at_least:
                return  # somebody else's poll was under way, and it was new enough
            wanted = self._wanted
            if self._must_adapt:
                self._must_adapt = False
                self._reader.points = self._overlay.polled
            began_s = time.monotonic()
            self.polls += 1
            if self.block_times:
                self.block_times = {}
            try:
                answers = await self._reader.read(self._line, began_s)
            except DeviceError:
                self.failures += 1
                self._image.lose()
            except Exception as error:  # noqa: BLE001 - whatever it is: nothing is known, and polling goes on
                self._image.lose()
                await self._note_error(error)
            else:
                now_s = time.monotonic()
                self._image.take(answers, now_s, time.time())
                self.read_times.record(now_s - began_s)
                if not answers:
                    await asyncio.sleep(0)  # nothing was awaited so far; the others must have their turn
            self._seen = wanted
        self._on_read()

    def _note_block(self, block: Block, waited_s: float, took_s: float) -> None:
        self.waits.record(waited_s)
        self.answers.record(took_s)
        if self._component.add_timings:
            self.block_times[block.key] = took_s

    async def _note_error(self, error: Exception) -> None:
        self.errors += 1
        log_error(f"{self._uri}: not read", error)
        self._on_read()
        await asyncio.sleep(_AFTER_AN_ERROR_S)
