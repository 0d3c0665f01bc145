"""This bus: ``fims_server`` with `Bus`, and with `AsyncBus`."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ess_bus.client import AsyncBus, Bus
from ess_bus.message import Message
from tools.bench.peers.base import Client, Launch, Sink, System

NAME: Final = "ess-bus"
ASYNC_NAME: Final = "AsyncBus"
# asyncio rounds its waits up to milliseconds; what is shorter is waited for in the plain way.
_COARSE_S: Final = 0.002


class BlockingClient(Client):
    """`Bus`."""

    async def open(self) -> None:
        """See `Client.open`."""
        self.bus = Bus(self.address, name="bench").__enter__()

    async def close(self) -> None:
        """See `Client.close`."""
        self.bus.close()

    async def subscribe(self, uri: str) -> None:
        """See `Client.subscribe`."""
        self.subscription = self.bus.subscribe(uri)

    async def receive(self, sink: Sink) -> None:
        """See `Client.receive`."""
        for message in self.subscription:
            sink(message.uri, message.body or b"")

    async def publish(self, uri: str, body: bytes) -> None:
        """See `Client.publish`."""
        self.bus.publish(uri, body)

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        publish = self.bus.publish
        for _ in range(count):
            publish(uri, body)
        self.bus.flush()

    async def ask(self, uri: str) -> Any:
        """See `Client.ask`."""
        return self.bus.get(uri)

    def expected(self, body: bytes) -> Any:
        """See `Client.expected`: `Bus.get` decodes it."""
        return json.loads(body)

    async def answer(self, uri: str, body: bytes, ready: Callable[[], None]) -> None:
        """See `Client.answer`."""
        value = json.loads(body)

        def answered(_request: Message) -> Any:
            return value

        self.bus.serve(uri, answered)
        ready()
        self.bus.run()


def bus_of(client: Client) -> Bus:
    """Return the bus of a worker whose role is for ours alone.

    Raises:
        TypeError: it is a client of something else.
    """
    if not isinstance(client, BlockingClient):
        raise TypeError(f"expected a client of {NAME}, got {type(client).__name__}")
    return client.bus


class AsyncClient(Client):
    """`AsyncBus`."""

    async def open(self) -> None:
        """See `Client.open`."""
        self.bus = await AsyncBus(self.address, name="bench").__aenter__()

    async def close(self) -> None:
        """See `Client.close`."""
        await self.bus.__aexit__(None, None, None)

    async def subscribe(self, uri: str) -> None:
        """See `Client.subscribe`."""
        self.subscription = await self.bus.subscribe(uri)

    async def receive(self, sink: Sink) -> None:
        """See `Client.receive`."""
        async for message in self.subscription:
            sink(message.uri, message.body or b"")

    async def publish(self, uri: str, body: bytes) -> None:
        """See `Client.publish`."""
        await self.bus.publish(uri, body)

    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """See `Client.flood`."""
        publish = self.bus.publish
        for _ in range(count):
            await publish(uri, body)
        await self.bus.flush()

    async def pause(self, seconds: float) -> None:
        """See `Client.pause`."""
        await asyncio.sleep(max(0.0, seconds - _COARSE_S))


def _launch(folder: Path) -> Launch:
    path = folder / "bus.sock"
    command = [sys.executable, "-m", "ess_bus.broker.command", "--bus", f"ipc://{path}"]
    return Launch(command, f"ipc://{path}", path.is_socket)


SYSTEMS: Final = (
    System(NAME, _launch, BlockingClient, packages=("ess-bus", "pyzmq"), answers=True),
    System(ASYNC_NAME, _launch, AsyncClient, packages=("ess-bus", "pyzmq"), variant=True),
)
