"""A bridge in this process, between a real broker and a real Modbus listener: for what is quicker told in a model."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from ess_bus.client import AsyncBus, AsyncSubscription
from ess_bus.errors import Refused
from ess_bus.service.running import Pulse
from modbus_bridge.config.model import ClientConfiguration, Component, Connection, RegisterType, Tcp
from modbus_bridge.face.host import Host
from modbus_bridge.serving.desk import Desk, Tables
from modbus_bridge.serving.faults import DEVICE_FAILURE, ILLEGAL_ADDRESS, Fault
from modbus_bridge.serving.listener_tcp import TcpListener
from tests.integration.conftest import free_port


def listener_of(tables: Tables) -> TcpListener:
    """Return what answers masters with `tables`, whatever unit they ask."""
    return TcpListener(Desk({None: tables}))


class Plant:
    """A device with 1,000 words in each table, all 0; it can refuse addresses, and stop to answer."""

    def __init__(self) -> None:
        self.port = free_port()
        self.tables = {table: [0] * 1000 for table in RegisterType}
        self.refused: set[int] = set()
        self.reads: list[tuple[int, int]] = []
        self.writes: list[tuple[int, ...]] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked = asyncio.Event()
        self._listener: TcpListener | None = None

    @property
    def holding(self) -> list[int]:
        return self.tables[RegisterType.HOLDING]

    async def start(self) -> None:
        self._listener = listener_of(self)
        await self._listener.start("127.0.0.1", self.port)

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        self.asked.set()
        await self.answers.wait()
        self.reads.append((start, count))
        if self.refused & set(range(start, start + count)):
            raise Fault(ILLEGAL_ADDRESS, "")
        return self.tables[table][start : start + count]

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        await self.answers.wait()
        if start in self.refused:
            raise Fault(DEVICE_FAILURE, "")
        self.writes.append((start, *words))
        self.tables[table][start : start + len(words)] = words


class Site:
    """What a test holds: the device, the bridge, and a connection of its own to the bus."""

    def __init__(self, bus: AsyncBus, plant: Plant, configuration: ClientConfiguration) -> None:
        self.bus = bus
        self.plant = plant
        self.configuration = configuration
        self.load: Callable[[], ClientConfiguration] = lambda: self.configuration
        self._messages: AsyncSubscription | None = None

    async def listen(self, uri: str) -> None:
        """Keep what is published here from now on for `published`."""
        self._messages = await self.bus.subscribe(uri)

    async def published(self, expected: Callable[[Any], object] = lambda _: True) -> Any:
        """Return the next body that is as expected, of those since `listen`."""
        assert self._messages is not None
        while True:
            message = await self._messages.receive()
            assert message is not None
            if message.method in ("pub", "post") and expected(message.json()):
                return message.json()

    def waiting(self) -> int:
        """Return how many messages came that `published` has not taken."""
        assert self._messages is not None
        return self._messages.waiting

    async def refusal(self, method: str, uri: str, value: Any = None) -> str:
        """Return why a request is refused."""
        with pytest.raises(Refused) as caught:
            await self.bus.request(method, uri, value)
        return caught.value.reason


@asynccontextmanager
async def site(
    endpoint: str, *components: Component, holding: Sequence[int] = (), **connection: Any
) -> AsyncIterator[Site]:
    """Yield when everything runs; `holding` are the first words of the device."""
    plant = Plant()
    plant.holding[: len(holding)] = holding
    await plant.start()
    settings = {"connect_timeout_s": 0.5, "request_timeout_s": 0.5, **connection}
    configuration = ClientConfiguration(Connection("pcs 1", Tcp("127.0.0.1", plant.port), **settings), components)
    process_name = "modbus_client@pcs_1"
    async with AsyncBus(endpoint, name="test") as bus, AsyncBus(endpoint, name=process_name) as own:
        found = Site(bus, plant, configuration)
        running = asyncio.create_task(Host(own, process_name, lambda: found.load()).run(configuration, Pulse()))
        try:
            await until(lambda: bus.get(f"/processes/{process_name}"))
            yield found
        finally:
            plant.answers.set()
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
            plant.stop()


async def until(condition: Callable[[], Any | Awaitable[Any]]) -> Any:
    """Wait until a condition holds and return its value; an exception counts as not yet."""
    async with asyncio.timeout(60):
        while True:
            with suppress(Exception):
                value = condition()
                if asyncio.iscoroutine(value):
                    value = await value
                if value:
                    return value
            await asyncio.sleep(0.005)
