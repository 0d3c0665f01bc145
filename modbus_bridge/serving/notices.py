"""Events for people (``post /events``): sent when they can be, and of too many the oldest are forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from typing import Any, Final

from ess_bus.client import AsyncBus
from ess_bus.errors import BusError

log = logging.getLogger(__name__)

URI: Final = "/events"
_MOST_WAITING: Final = 100


class Notices:
    """Posts events from one source; that nobody listens to them is no error."""

    def __init__(self, bus: AsyncBus, source: str) -> None:
        self._bus = bus
        self._source = source
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._filled = asyncio.Event()

    def post(self, message: str, severity: int) -> None:
        """Let an event be sent soon; of too many, the oldest are forgotten."""
        log.debug("%s (severity %d)", message, severity)
        self._waiting.append({"source": self._source, "message": message, "severity": severity})
        self._filled.set()

    async def run(self) -> None:
        """Send what is posted, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                with suppress(BusError):
                    await self._bus.send("post", URI, self._waiting.popleft())
