"""The other end of a line, under a test's control: it sees every request and sends whatever bytes it is told to."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from modbus_bridge.config.model import Connection, Tcp


@dataclass(frozen=True)
class Asked:
    """A request as it arrived: the how manieth of all, on the how manieth connection."""

    number: int
    connection: int
    transaction: bytes
    unit: int
    pdu: bytes

    @property
    def start(self) -> int:
        return int.from_bytes(self.pdu[1:3], "big")

    @property
    def count(self) -> int:
        return int.from_bytes(self.pdu[3:5], "big")

    def frame(self, pdu: bytes, *, unit: int | None = None, transaction: bytes | None = None) -> bytes:
        """Return the frame that answers it."""
        unit = self.unit if unit is None else unit
        return (transaction or self.transaction) + struct.pack(">HHB", 0, len(pdu) + 1, unit) + pdu

    def right(self) -> bytes:
        """Return a right answer: every register holds its address."""
        return self.frame(right_pdu(self.pdu))

    def exception(self, code: int) -> bytes:
        """Return an exception."""
        return self.frame(bytes((self.pdu[0] | 0x80, code)))


def right_pdu(pdu: bytes) -> bytes:
    """Return the answer of a device whose registers hold their addresses, and whose bits are those of 0b...0101."""
    start, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    if pdu[0] in (1, 2):
        return bytes((pdu[0], (count + 7) // 8)) + b"\x55" * ((count + 7) // 8)
    if pdu[0] in (3, 4):
        return bytes((pdu[0], 2 * count)) + struct.pack(f">{count}H", *range(start, start + count))
    return pdu[:5]


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


async def answer_right(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(asked.right())


class Peer:
    """A device on a loopback port.

    Attributes:
        answer: what it does with a request.
        greet: whether it serves a new connection, or closes it at once.
        asked: all requests so far.
        connections: how many connections it has accepted.
    """

    def __init__(self, answer: Answer = answer_right) -> None:
        self.answer = answer
        self.greet: Callable[[int], bool] = lambda _: True
        self.asked: list[Asked] = []
        self.connections = 0
        self.writers: dict[int, asyncio.StreamWriter] = {}
        self.changed = asyncio.Condition()
        self._server: asyncio.Server
        self._serving: set[asyncio.Task[Any]] = set()
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_listening(self) -> None:
        """New connections are refused; those that stand go on."""
        self._server.close()

    async def stop(self) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    def connection(self, **settings: object) -> Connection:
        """Return how to reach it; an answer may take 0.3 s."""
        return Connection("d", Tcp("127.0.0.1", self.port), **{"request_timeout_s": 0.3} | settings)  # type: ignore[arg-type]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds after a request or a connection has come."""
        async with self.changed:
            await self.changed.wait_for(condition)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        mine = self.connections
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        await self._notify()
        if not self.greet(mine):
            self._serving.discard(task)
            writer.close()
            return
        self.writers[mine] = writer
        try:
            while True:
                header = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(header[4:6], "big") - 1)
                asked = Asked(len(self.asked) + 1, mine, header[:2], header[6], pdu)
                self.asked.append(asked)
                await self._notify()
                await self.answer(asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            # Streams of this Python complain about servers that end cancelled.
            pass
        finally:
            del self.writers[mine]
            self._serving.discard(task)
            writer.close()

    async def _notify(self) -> None:
        async with self.changed:
            self.changed.notify_all()


@asynccontextmanager
async def peer(answer: Answer = answer_right) -> AsyncIterator[Peer]:
    """A device that listens for the length of the block."""
    found = Peer(answer)
    await found.start()
    try:
        yield found
    finally:
        await found.stop()
