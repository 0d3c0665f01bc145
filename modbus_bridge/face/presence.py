"""Whether another process is on the bus, and answers."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Final

from ess_bus.client import AsyncBus
from ess_bus.errors import BusError
from ess_bus.message import Message

log = logging.getLogger(__name__)

# The broker says at once when a process is gone. The question is for one that hangs, and for what was missed while
# there was no broker.
_ASK_EVERY_S: Final = 1.0
_PATIENCE_S: Final = 3.0


class Presence:
    """Follows one process.

    Attributes:
        name: what it is called on the bus.
        is_there: whether it is known to be there; not before it was heard.
    """

    def __init__(self, bus: AsyncBus, name: str) -> None:
        self.name = name
        self.is_there = False
        self._bus = bus
        self._uri = f"/processes/{name}"

    async def listen_forever(self) -> None:
        """Hear at once that it came or went."""
        try:
            messages = await self._bus.subscribe(self._uri, pub_only=True)
        except BusError as error:
            log.debug("%s: not followed: %s", self.name, error)
            return
        try:
            async for message in messages:
                self._hear(message)
        finally:
            # Without a broker there is nobody to take it back from, and no need to wait for one.
            if self._bus.connected:
                with suppress(BusError):
                    await messages.close()

    def _hear(self, message: Message) -> None:
        with suppress(ValueError):
            body = message.json()
            self.is_there = isinstance(body, dict) and body.get("gone") is not True

    async def ask_forever(self) -> None:
        """Ask again and again whether it is there."""
        while True:
            try:
                await self._bus.get(self._uri, timeout_s=_PATIENCE_S)
            except BusError as error:
                log.debug("%s: %s", self.name, error)
                self.is_there = False
            else:
                self.is_there = True
            await asyncio.sleep(_ASK_EVERY_S)
