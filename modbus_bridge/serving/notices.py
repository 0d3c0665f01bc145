"""Events of those who cannot wait until they are sent: of too many, the oldest are forgotten."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Final

from modbus_bridge.events import Events

log = logging.getLogger(__name__)

_MOST_WAITING: Final = 100


class Notices:
    """Posts events, one after the other."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._waiting: deque[tuple[str, int]] = deque(maxlen=_MOST_WAITING)
        self._filled = asyncio.Event()

    def post(self, message: str, severity: int) -> None:
        """Let an event be sent soon; of too many, the oldest are forgotten."""
        log.debug("%s (severity %d)", message, severity)
        self._waiting.append((message, severity))
        self._filled.set()

    async def run(self) -> None:
        """Send what is posted, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting:
                await self._events.post(*self._waiting.popleft())
