"""Waiting for a time that may come earlier."""

from __future__ import annotations

import asyncio


class Alarm:
    """Lets one task sleep until a time on the loop's clock, or until somebody rings.

    What `asyncio.wait_for` around an `asyncio.Event` does, without the task and the exception that this costs for
    each of a thousand ticks a second.
    """

    def __init__(self) -> None:
        self._rung = False
        self._sleeper: asyncio.Future[None] | None = None

    def ring(self) -> None:
        """Wake the sleeper now, or let its next sleep end at once."""
        self._rung = True
        self._wake()

    async def sleep_until(self, deadline_s: float) -> bool:
        """Return when it is `deadline_s`, or when it was rung; tell whether it was."""
        loop = asyncio.get_running_loop()
        if not self._rung and loop.time() < deadline_s:
            self._sleeper = loop.create_future()
            timer = loop.call_at(deadline_s, self._wake)
            try:
                await self._sleeper
            finally:
                timer.cancel()
                self._sleeper = None
        rung, self._rung = self._rung, False
        return rung

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)
