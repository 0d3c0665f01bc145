"""Publishing one component: what is known of it now, after each poll and after each decision of a person."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, Final

from ess_bus.client import AsyncBus
from ess_bus.errors import BusError
from modbus_bridge.config.model import Component
from modbus_bridge.face.changes import Changes
from modbus_bridge.face.image import CONNECTED, Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.pulse import Pulse
from modbus_bridge.face.render import Renderer
from modbus_bridge.face.stamp import Stamper
from modbus_bridge.polling.spread import Spread
from modbus_bridge.process import log_error

log = logging.getLogger(__name__)

# A silent device is announced at once and then again for those who come later; once per second (less the jitter of a
# tick) is enough.
_MIN_DOWN_PERIOD_S = 0.9
FORCED: Final = "forced"


class Publisher:
    """Publishes the image whenever `note` was called since; the newest image, so that nothing is ever out of order.

    It is a task of its own: a poller that is behind its schedule sends its next request first, and the device works
    on that while this decodes and publishes.

    Attributes:
        times: how long decoding and publishing took.
        pubs: how many were handed to the bus.
        lost: how many were not, because there was no broker.
        timings: what returns the times that are published too.
    """

    def __init__(
        self, uri: str, component: Component, image: Image, overlay: Overlay, pulse: Pulse, bus: AsyncBus
    ) -> None:
        self.times = Spread()
        self.pubs = 0
        self.lost = 0
        self._uri = uri
        self._image = image
        self._overlay = overlay
        self._pulse = pulse
        self._bus = bus
        self._renderer = Renderer(component, image, overlay)
        self._changes = Changes(component.points, component.refresh_s) if component.on_change else None
        self._fresh = asyncio.Event()
        self._urgent = False
        self._stamper = Stamper()
        self._down_published_s = float("-inf")
        self._was_connected: bool | None = None
        self._lost_now = 0
        self.timings: Callable[[], dict[str, float]] | None = None

    def note(self) -> None:
        """Publish soon: the device was asked."""
        self._fresh.set()

    def decided(self) -> None:
        """Publish soon, and everything: a person or a clock has changed something."""
        self._urgent = True
        self._fresh.set()

    async def publish_forever(self) -> None:
        """Publish after each `note`."""
        while True:
            await self._fresh.wait()
            self._fresh.clear()
            try:
                await self._publish()
            except Exception as error:  # noqa: BLE001 - whatever it is: the next pub may succeed
                log_error(f"{self._uri}: not published", error)
                await asyncio.sleep(1.0)

    async def retire(self) -> None:
        """Say for the last time that nothing is known any more: nobody reads the device from now on."""
        self._image.lose()
        self.decided()
        await self._publish()

    def body(self) -> dict[str, Any]:
        """Return what a get of the component answers: a pub without its time."""
        body = self._renderer.body()
        if self._pulse.keys:
            body |= self._pulse.keys
        if not self._pulse.is_alive:
            body[CONNECTED] = False
        if self._overlay.forced:
            body[FORCED] = self._overlay.forced_names
        return body

    async def _publish(self) -> None:
        began_s = time.monotonic()
        self._pulse.feel(self._image, began_s)
        urgent, self._urgent = self._urgent, False
        if not self._image.connected and not urgent:
            if began_s - self._down_published_s < _MIN_DOWN_PERIOD_S:
                return
            self._down_published_s = began_s
        else:
            self._down_published_s = float("-inf")
        body: dict[str, Any] | None = self.body()
        if self._changes is not None and body is not None:
            connected = body[CONNECTED]
            body = self._changes.since(body, began_s, everything=urgent or connected is not self._was_connected)
            self._was_connected = connected
        if body is None:
            return
        if self.timings is not None:
            body |= self.timings()
        body["Timestamp"] = self._stamper.text(time.time())
        await self._send(body)
        self.times.record(time.monotonic() - began_s)

    async def _send(self, body: dict[str, Any]) -> None:
        try:
            await self._bus.publish(self._uri, body)
        except BusError as error:
            if not self._lost_now:
                log.warning("%s: not published: %s", self._uri, error)
            self._lost_now += 1
            self.lost += 1
            return
        self.pubs += 1
        if self._lost_now:
            log.info("%s: published again; %d were lost", self._uri, self._lost_now)
            self._lost_now = 0
