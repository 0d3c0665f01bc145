"""Events: what people should hear of, posted to whoever keeps them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from ess_bus.client import AsyncBus
from ess_bus.errors import BusError

URI: Final = "/events"
# As the originals use them (modbus.md 4.3).
INFO: Final = 1
STATUS: Final = 2
ALARM: Final = 3
FAULT: Final = 4


class Events:
    """Posts events in the name of one process."""

    def __init__(self, bus: AsyncBus, source: str) -> None:
        self._bus = bus
        self._source = source

    async def post(self, message: str, severity: int) -> None:
        """Say it once; whether anybody keeps events is not our concern."""
        # Without a replyto: nobody is waited for, and nobody answers that there is nobody.
        with suppress(BusError):
            await self._bus.send("post", URI, {"source": self._source, "message": message, "severity": severity})
