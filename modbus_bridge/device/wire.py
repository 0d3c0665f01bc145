"""What carries requests to a device and answers back, one at a time: the common part of TCP and serial lines."""

from __future__ import annotations

import asyncio
from typing import Protocol


class Wire(Protocol):
    """A connection that can be opened and closed again and again."""

    @property
    def is_open(self) -> bool:
        """Whether requests can be sent."""

    async def open(self) -> None:
        """Open it, or open it anew: what the old one still has to say does not reach the new one.

        Raises:
            DeviceUnreachable: it cannot be opened.
        """

    def close(self) -> None:
        """Close it."""

    async def exchange(self, unit: int, pdu: bytes) -> bytes:
        """Send a request and return the function code and data of its answer.

        Raises:
            DeviceSilent: no answer in time, or something that is none.
            DeviceLost: the connection broke.
        """


class Waiting:
    """The one who waits for an answer, and until when.

    The timer is not set anew for each request, only when it rings too early: a thousand requests a second would leave
    a thousand dead timers in the loop.
    """

    __slots__ = ("_answer", "_deadline_s", "_loop", "_timer")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[bytes] | None = None
        self._deadline_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is expected."""
        return self._answer is not None

    def begin(self, timeout_s: float) -> asyncio.Future[bytes]:
        """Return what becomes the answer, or a `TimeoutError`."""
        self._answer = answer = self._loop.create_future()
        self._deadline_s = self._loop.time() + timeout_s
        if self._timer is None or self._timer.when() > self._deadline_s:
            self._ring_at_deadline()
        return answer

    def answered(self, pdu: bytes) -> None:
        """End the waiting with an answer."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(pdu)

    def failed(self, error: Exception) -> None:
        """End the waiting with an error."""
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_exception(error)

    def stop(self, error: Exception) -> None:
        """End the waiting, and the timer."""
        self.failed(error)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring_at_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._deadline_s, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._answer is None:
            return
        if self._loop.time() < self._deadline_s:
            self._ring_at_deadline()
        else:
            self.failed(TimeoutError())
