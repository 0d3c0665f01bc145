"""nats-server with nats-py."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from tools.bench.peers.base import Client, Launch, Sink, System, over_tcp, program
from tools.ports import LOOPBACK, free_port

NAME: Final = "nats"
# How many messages between two flushes.
_FLUSH_EVERY: Final = 1000
# asyncio rounds its waits up to milliseconds; what is shorter is waited for in the plain way.
_COARSE_S: Final = 0.002
_TIMEOUT_S: Final = 5.0


class NatsClient(Client):
    """`publish` with a flush now and then, a callback per message, `request`.

    Its iterator over messages is a quarter as fast as its callbacks.
    """

    async def open(self) -> None:
        """See `Client.open`."""
        import nats

        self.connection: Any = await nats.connect(f"nats://{self.address}")

    async def close(self) -> None:
        """See `Client.close`."""
        await self.connection.close()

    async def subscribe(self, uri: str) -> None:
        """See `Client.subscribe`."""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sink: Sink | None = None
        await self.connection.subscribe(_subject(uri), cb=self._received)
        await self.connection.flush()

    async def receive(self, sink: Sink) -> None:
        """See `Client.receive`."""
        self._sink = sink
        await self._ended

    async def _received(self, message: Any) -> None:
        try:
            if self._sink is not None:
                self._sink(message.subject, message.data)
        except Exception as error:  # noqa: BLE001 - whatever ends the sink ends `receive`
            if not self._ended.done():
                self._ended.set_exception(error)

    async def publish(self, uri: str, body: bytes) -> None:
        """See `Client.publish`."""
        await self.connection.publish(_subject(uri), body)

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        publish, subject = self.connection.publish, _subject(uri)
        for number in range(count):
            await publish(subject, body)
            if number % _FLUSH_EVERY == 0:
                await self.connection.flush()
        await self.connection.flush()

    async def pause(self, seconds: float) -> None:
        """See `Client.pause`."""
        until = time.monotonic() + seconds
        # Its flusher is a task of its own; a flush would wait for the server's answer.
        while self.connection.pending_data_size:  # noqa: ASYNC110 - nothing tells when it is done
            await asyncio.sleep(0)
        await asyncio.sleep(max(0.0, until - time.monotonic() - _COARSE_S))
        time.sleep(max(0.0, until - time.monotonic()))  # noqa: ASYNC251 - shorter than asyncio can wait

    async def ask(self, uri: str) -> Any:
        """See `Client.ask`."""
        return (await self.connection.request(_subject(uri), b"", timeout=_TIMEOUT_S)).data

    async def answer(self, uri: str, body: bytes, ready: Callable[[], None]) -> None:
        """See `Client.answer`."""

        async def answered(request: Any) -> None:
            await request.respond(body)

        await self.connection.subscribe(_subject(uri), cb=answered)
        await self.connection.flush()
        ready()
        await asyncio.Event().wait()


def _subject(uri: str) -> str:
    return uri.strip("/").replace("/", ".")


def _launch(_folder: Path) -> Launch:
    port = free_port()
    return over_tcp([program("nats-server") or "nats-server", "-a", LOOPBACK, "-p", str(port)], port)


SYSTEMS: Final = (
    System(NAME, _launch, NatsClient, program="nats-server", packages=("nats-py",), share=0.5, answers=True),
)
