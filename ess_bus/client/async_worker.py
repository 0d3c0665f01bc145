"""`AsyncWorker`: the engine room of the asynchronous client.

It watches the socket's file descriptor and drains it in bursts, so that a message does not cost a turn of the event
loop; what is sent in one turn of the loop leaves as one batch.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from ess_bus.client.link import Link
from ess_bus.client.pending import Pending
from ess_bus.errors import Disconnected, RequestTimeout
from ess_bus.message import Message

# Messages taken in one go before other tasks have their turn.
BURST: Final = 1000
# What may wait to be sent before the sender has to; a batch is sent at once when so much is due.
ROOM: Final = 256
LARGE: Final = 32 << 10


class AsyncWorker(Link):
    """Moves frames inside one event loop."""

    _timer: asyncio.TimerHandle | None = None
    _scheduled = False

    def open(self) -> None:
        """Connect and begin to watch."""
        transport = self.dial()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(transport.fileno(), self._exchange)
        self._exchange()

    async def until(self, done: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until `done`; return whether it is."""
        self.opened()
        try:
            async with asyncio.timeout(timeout_s):
                while not done():
                    self._changed.clear()
                    await self._changed.wait()
                    self.opened()
        except TimeoutError:
            return False
        return True

    async def outcome(self, waiting: Pending, what: str, timeout_s: float | None) -> Message | None:
        """Wait for an outcome and return it.

        Raises:
            BusError: if that is the outcome; `RequestTimeout` if there is none in time.
        """
        self._soon()
        limit = self.timeouts.request if timeout_s is None else timeout_s
        arrived = asyncio.Event()
        waiting.when_done = arrived.set
        try:
            async with asyncio.timeout(limit):
                while not waiting.done:
                    await arrived.wait()
        except TimeoutError:
            raise RequestTimeout(what, limit) from None
        finally:
            self.core.give_up(waiting)
        return waiting.result()

    async def send(self, frame: bytes) -> None:
        """Hand over a message; wait while the broker takes no more.

        Raises:
            Disconnected: there is no broker, or it takes nothing for ``timeouts.send``; nothing was sent.
        """
        self.opened()
        outgoing, core = self.core.outgoing, self.core
        if len(outgoing) >= ROOM:
            self._exchange()
            if len(outgoing) >= ROOM and core.joined:
                await self.until(lambda: len(outgoing) < ROOM or not core.joined, self.timeouts.send)
        if not core.joined or len(outgoing) >= ROOM:
            raise self.no_room()
        outgoing.append(frame)
        if len(frame) > LARGE:
            self._exchange()
        elif not self._scheduled:
            self._soon()

    async def answer(self, frame: bytes) -> None:
        """Hand over an answer; without a broker it waits a moment for the one that was there.

        Raises:
            Disconnected: it was not sent, and will not be.
        """
        try:
            await self.send(frame)
        except Disconnected:
            if not self.keep(frame):
                raise

    def shut(self, linger_s: float) -> None:
        """Stop watching and close."""
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self._loop.remove_reader(self.transport.fileno())
            self._changed.set()
        super().shut(linger_s)

    def _soon(self) -> None:
        """Exchange in this turn of the loop; sending may have used up the descriptor's edge."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._exchange)

    def _exchange(self) -> None:
        """Take what has arrived and send what is due."""
        self._scheduled = False
        if self.transport is None:
            return
        transport, core, now = self.transport, self.core, time.monotonic()
        transport.wait(0.0)
        enough = core.received + BURST
        wake = now
        while core.received < enough:
            frame = transport.receive()
            if frame is None:
                # Only now, when all that was said has been heard, can silence be told.
                self.notice_loss()
                wake = self.tick(now)
                break
            core.feed(frame, now)
        else:
            self._soon()
        if core.outgoing:
            before = len(core.outgoing)
            self.push()
            if len(core.outgoing) < before:
                self._soon()
        self._changed.set()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, wake - now), self._exchange)
