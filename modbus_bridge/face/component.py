"""One component on the bus: what belongs to it, and its requests one after the other."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

from ess_bus import uri as uris
from ess_bus.client import AsyncBus
from ess_bus.errors import BusError
from ess_bus.message import Message
from modbus_bridge.config.model import Component
from modbus_bridge.events import Events
from modbus_bridge.face.asked import Asked, Process
from modbus_bridge.face.decide import decide
from modbus_bridge.face.image import Image
from modbus_bridge.face.keeper import Keeper
from modbus_bridge.face.lasting import Loop
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.path import parse
from modbus_bridge.face.poller import Poller
from modbus_bridge.face.publisher import Publisher
from modbus_bridge.face.pulse import Pulse
from modbus_bridge.face.sets import PATIENCE_S, Sets
from modbus_bridge.face.writer import Writer
from modbus_bridge.polling.line import Line
from modbus_bridge.polling.spread import Spread
from modbus_bridge.process import log_error
from modbus_bridge.values.orders import Catalogue

# Enough for any burst of people and scripts; a queue that is longer hides that the device cannot keep up.
_MAX_WAITING: Final = 256
_EXPIRED: Final = f"expired: it waited for more than {PATIENCE_S:g} s and was not carried out"


class ComponentTask:
    """What the process does for one component; `loops` are to be run side by side."""

    def __init__(
        self, component: Component, line: Line, writer: Writer, bus: AsyncBus, events: Events, process: Process
    ) -> None:
        self.uri = f"/components/{component.id}"
        self.component = component
        self._bus = bus
        self._catalogue = Catalogue(component)
        self._overlay = Overlay(component)
        self._image = Image(component, self._overlay)
        self._pulse = Pulse(self.uri, component, time.monotonic())
        self._publisher = Publisher(self.uri, component, self._image, self._overlay, self._pulse, bus)
        self._poller = Poller(self.uri, component, line, self._image, self._overlay, self._publisher.note)
        if component.add_timings:
            self._publisher.timings = self._poller.timings
        self._sets = Sets(self._catalogue, self._overlay, writer, bus, self._note_written)
        self._keeper = Keeper(
            component, self._image, self._pulse, self._overlay, writer, bus, events, self._publisher.decided
        )
        self._asked = Asked(
            component,
            self._catalogue,
            self._image,
            self._overlay,
            self._publisher,
            self.timings,
            process,
            writer.silence,
        )
        self._inbox: asyncio.Queue[tuple[Message, float]] = asyncio.Queue(_MAX_WAITING)
        self._asking: Message | None = None

    def loops(self) -> list[Loop]:
        """Return everything that is to be done, each until it is cancelled."""
        return [
            self._poller.poll_forever,
            self._publisher.publish_forever,
            self._sets.release_forever,
            self.serve_forever,
            *self._keeper.loops(),
        ]

    def wake(self) -> None:
        """Poll now: something about the device changed."""
        self._poller.wake()

    async def take(self, message: Message, arrived_s: float) -> None:
        """Queue a message of the bus that concerns this component and came at `arrived_s` on the monotonic clock."""
        if message.method not in ("get", "set"):
            await self._refuse(message, f"{message.method} is not supported; expected get or set")
            return
        try:
            self._inbox.put_nowait((message, arrived_s))
        except asyncio.QueueFull:
            await self._refuse(message, f"{_MAX_WAITING} requests are waiting already")

    async def retire(self, reason: str) -> None:
        """Say for the last time that nothing is known any more, and refuse with `reason` what still waits."""
        if self._asking is not None:
            await self._refuse(self._asking, reason)
        while not self._inbox.empty():
            await self._refuse(self._inbox.get_nowait()[0], reason)
        await self._sets.abandon(reason)
        await self._publisher.retire()

    async def serve_forever(self) -> None:
        """Answer the queued requests, one after the other, so that a get after a set sees its effect."""
        while True:
            message, arrived_s = await self._inbox.get()
            try:
                await self._serve(message, arrived_s)
            except Exception as error:  # noqa: BLE001 - whatever it is: the next request is answered
                log_error(f"{self.uri}: {message.method} {message.uri} failed", error)
                await self._refuse(message, f"internal error: {type(error).__name__}")

    def statistics(self) -> dict[str, Any]:
        """Return what `_stats` tell of this component."""
        poller, publisher, sets = self._poller, self._publisher, self._sets
        read_at_s = self._image.read_at_s
        return {
            "id": self.component.id,
            "period_ms": 1000 * self.component.period_s,
            "points": len(self.component.points),
            "connected": self._image.connected,
            "age_s": None if read_at_s is None else round(time.monotonic() - read_at_s, 3),
            "polls": poller.polls,
            "polls_failed": poller.failures,
            "poll_errors": poller.errors,
            "ticks_skipped": poller.skipped,
            "tick_lateness_ms": poller.lateness.quantiles_ms(),
            "read_time_ms": poller.read_times.quantiles_ms(),
            "requests_a_poll": poller.statistics.blocks,
            "blocks_split": poller.statistics.splits,
            "points_bad": list(poller.statistics.bad),
            "failing": poller.statistics.failing,
            "pubs": publisher.pubs,
            "pubs_lost": publisher.lost,
            "pub_time_ms": publisher.times.quantiles_ms(),
            "sets": sets.done,
            "sets_failed": sets.failed,
            "requests_waiting": self._inbox.qsize(),
            "forced": self._overlay.forced_names,
            "disabled": sorted(self._overlay.disabled),
            "disconnected": sorted(self._overlay.disconnected),
            **self._pulse.keys,
            **self._keeper.statistics(),
        }

    def timings(self) -> dict[str, Any]:
        """Return what `_timings` answers: how long a request waits for the connection and for its answer."""
        poller = self._poller
        return {
            "conn_get_time": _least_most_mean(poller.waits),
            "response_time": _least_most_mean(poller.answers),
            "unit": "ms",
            "num_timings_recorded": poller.answers.count,
        }

    def reset_timings(self) -> None:
        """Begin to measure anew."""
        self._poller.reset_timings()
        self._publisher.times.reset()

    def _note_written(self, assigned: dict[str, Any]) -> None:
        self._image.set_values |= assigned
        # Also when the device refused: what became of its registers is not ours to guess.
        self._poller.outdate()

    async def _serve(self, message: Message, arrived_s: float) -> None:
        segments = uris.relative(message.uri, self.uri) or ()
        try:
            path = parse(segments, self._catalogue.names, message.method)
            if path.fragment == "_reset_timings":
                self.reset_timings()
                await self._reply(message, "Modbus Client -> timings reset")
            elif message.method == "get":
                if path.fragment in (None, "_full", "_raw"):
                    # Not taken back when this is cancelled half-way: then `retire` answers.
                    self._asking = message
                    await self._poller.current()
                    self._asking = None
                await self._reply(message, self._asked.answer(path))
            elif time.monotonic() - arrived_s > PATIENCE_S:
                await self._refuse(message, _EXPIRED)
            elif path.fragment is not None:
                body = message.json() if path.fragment == "_force" else None
                answer = decide(path, body, self.component, self._catalogue, self._overlay)
                self._image.touch()
                self._poller.adapt()
                self._publisher.decided()
                await self._reply(message, answer)
            else:
                await self._sets.take(message, path.segments, arrived_s)
        except ValueError as error:
            await self._refuse(message, str(error))

    async def _reply(self, message: Message, value: Any) -> None:
        # The requester learns from its own time-out that the broker went away.
        with suppress(BusError):
            await self._bus.reply(message, value)

    async def _refuse(self, message: Message, reason: str) -> None:
        with suppress(BusError):
            await self._bus.refuse(message, reason)


def _least_most_mean(spread: Spread) -> dict[str, float]:
    figures = spread.extremes_ms()
    return {"min": figures["Min"], "max": figures["Max"], "avg": figures["Avg"]}
