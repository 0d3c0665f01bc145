"""One connection of a master: its requests are answered one after another, in the order in which they came.

That holds while a write waits for an answer from the bus, too. Otherwise a master that gives up and asks again could
take one write's answer for another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final, cast

from modbus_bridge.device.tcp_frame import HEADER, LENGTHS, frame

if TYPE_CHECKING:
    from modbus_bridge.serving.listener_tcp import TcpListener

# A master that sends requests without end leaves the others their turn after so many.
_AT_ONCE: Final = 16
# What is not answered yet waits here, and in the buffers of the kernel when it is more.
_MOST_WAITING: Final = 16 * 1024
_MOST_UNREAD: Final = 64 * 1024


class Master(asyncio.Protocol):
    """Takes frames apart, asks the desk, and frames its answers."""

    def __init__(self, listener: TcpListener) -> None:
        self._listener = listener
        self._desk = listener.desk
        self._loop = asyncio.get_running_loop()
        self._received = b""
        # The answer that is waited for.
        self._task: asyncio.Task[None] | None = None
        self._next_turn: asyncio.Handle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._reading = True
        self._ended = False
        self._reason = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many masters."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_MOST_UNREAD)
        if not self._listener.admit(self, self._transport):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer what is complete."""
        self._received = self._received + data if self._received else data
        if not self._is_waiting:
            self._work()
        self._slow_down()

    def eof_received(self) -> bool:
        """Let a master that says no more have the answer that it waits for; most often it is gone altogether."""
        self._ended = True
        if self._task is not None:
            # What would only be begun later may be a command that nobody stands behind any more.
            self._received = b""
        return self._is_waiting

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the reason does not matter
        """Forget what was not begun: nobody would hear what became of it."""
        self._received = b""
        for waiting in (self._next_turn, self._unread):
            if waiting is not None:
                waiting.cancel()
        self._listener.gone(self, self._reason)

    def pause_writing(self) -> None:
        """Take no more requests of a master that does not read its answers, and drop it in the end."""
        self._unread = self._loop.call_later(self._listener.patience_s, self._drop)

    def resume_writing(self) -> None:
        """Go on."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        self._go_on()

    def close(self) -> None:
        """End the connection; a write that is under way is not waited for."""
        if self._task is not None:
            self._task.cancel()
        self._transport.close()

    @property
    def _is_waiting(self) -> bool:
        return self._task is not None or self._next_turn is not None or self._unread is not None

    def _work(self) -> None:
        data, at = self._received, 0
        answers: list[bytes] = []
        for _ in range(_AT_ONCE):
            if len(data) < at + HEADER.size:
                break
            transaction_id, protocol, length, device_id = HEADER.unpack_from(data, at)
            if protocol != 0 or length not in LENGTHS:
                # Where the next frame begins cannot be known any more.
                self._listener.misunderstood(self, data[at : at + HEADER.size])
                self._received = b""
                self._send(answers)
                self._leave()
                return
            end = at + HEADER.size - 1 + length
            if len(data) < end:
                break
            answer = self._desk.answer(device_id, data[at + HEADER.size : end])
            at = end
            if not isinstance(answer, bytes):
                self._task = self._loop.create_task(self._wait(transaction_id, device_id, answer))
                break
            answers.append(frame(transaction_id, device_id, answer))
        else:
            self._next_turn = self._loop.call_soon(self._take_turn)
        self._received = data[at:]
        self._send(answers)

    def _take_turn(self) -> None:
        self._next_turn = None
        self._go_on()

    async def _wait(self, transaction_id: int, device_id: int, answer: Awaitable[bytes]) -> None:
        try:
            pdu = await answer
            self._send([frame(transaction_id, device_id, pdu)])
        finally:
            self._task = None
            self._go_on()

    def _go_on(self) -> None:
        if self._is_waiting or self._transport.is_closing():
            return
        self._work()
        self._slow_down()
        if self._ended and not self._is_waiting:
            self._leave()

    def _send(self, answers: list[bytes]) -> None:
        if answers and not self._transport.is_closing():
            self._transport.write(b"".join(answers))

    def _slow_down(self) -> None:
        wanted = len(self._received) < _MOST_WAITING
        if wanted != self._reading and not self._transport.is_closing():
            self._reading = wanted
            (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    def _leave(self) -> None:
        """Close when what was answered is sent; a master that does not read it keeps nothing open."""
        self._transport.close()
        if self._unread is None:
            self._unread = self._loop.call_later(self._listener.patience_s, self._drop)

    def _drop(self) -> None:
        self._reason = ": it does not read its answers"
        self._transport.abort()
