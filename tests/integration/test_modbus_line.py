"""One connection to a device, over real sockets: what a broken connection does to reads and to writes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from modbus_bridge.config.model import Connection, RegisterType, Tcp
from modbus_bridge.device import Device, DeviceLost, DeviceRefused, DeviceSilent, DeviceUnreachable
from modbus_bridge.polling.line import Line
from modbus_bridge.serving.faults import DEVICE_FAILURE, Fault
from tests.integration.conftest import free_port
from tests.integration.modbus_site import listener_of

HOLDING = RegisterType.HOLDING


class Tables:
    """Answers 7 for every register, as quickly as `answer` lets it."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.answer.set()
        self.asked = asyncio.Event()
        self.writes: list[tuple[object, ...]] = []

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        assert table is HOLDING
        self.asked.set()
        await self.answer.wait()
        if start == 99:
            raise Fault(DEVICE_FAILURE, "")
        return [7] * count

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        self.writes.append((table, start, *words))
        self.asked.set()
        await self.answer.wait()


class Bench:
    """A line and the device at its other end."""

    def __init__(self) -> None:
        self.port = free_port()
        self.tables = Tables()
        self.device = listener_of(self.tables)
        self.changes = 0
        self.line = Line(Connection("d", Tcp("127.0.0.1", self.port), request_timeout_s=0.3), [1, 2], self._changed)

    async def __aenter__(self) -> Bench:
        await self.device.start("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.tables.answer.set()
        self.line.close()
        self.device.close()

    def _changed(self) -> None:
        self.changes += 1

    async def read(self, start: int = 0, device_id: int = 1) -> list[int]:
        async with self.line.turn() as way:
            return await way.read(HOLDING, device_id, start, 2)

    async def write(self) -> None:
        async with self.line.turn(urgent=True) as way:
            await way.write(HOLDING, 1, 0, [1])

    async def restart_device(self) -> None:
        self.device.close()
        self.device = listener_of(self.tables)
        await self.device.start("127.0.0.1", self.port)


def test_a_connection_that_was_closed_while_idle_is_opened_again_without_fuss() -> None:
    async def main() -> None:
        async with Bench() as bench:
            assert await bench.read() == [7, 7]
            await bench.restart_device()
            # Whether this end has noticed yet or not.
            assert await bench.read() == [7, 7]
            assert bench.line.is_up([1, 2])

    asyncio.run(main())


def test_a_read_is_repeated_on_a_new_connection_but_a_write_never() -> None:
    async def main() -> None:
        async with Bench() as bench:
            await bench.read()
            bench.tables.answer.clear()
            bench.tables.asked.clear()
            reading = asyncio.create_task(bench.read())
            await bench.tables.asked.wait()
            bench.tables.answer.set()
            await bench.restart_device()
            assert await reading == [7, 7]

            bench.tables.answer.clear()
            bench.tables.asked.clear()
            writing = asyncio.create_task(bench.write())
            await bench.tables.asked.wait()
            await bench.restart_device()
            with pytest.raises(DeviceLost):
                await writing
            assert bench.tables.writes == [(HOLDING, 0, 1)]

    asyncio.run(main())


def test_a_unit_that_is_silent_is_not_asked_again_at_once_and_its_late_answer_is_not_used() -> None:
    async def main() -> None:
        async with Bench() as bench:
            bench.tables.answer.clear()
            with pytest.raises(DeviceSilent, match=r"no answer from 127\.0\.0\.1:\d+ \(device id 1\)"):
                await bench.read()
            assert not bench.line.is_up([1])
            assert bench.line.is_up([2])
            assert bench.changes == 1
            bench.tables.answer.set()
            with pytest.raises(DeviceUnreachable, match="no answer"):
                await bench.read()
            assert await bench.read(device_id=2) == [7, 7]

    asyncio.run(main())


def test_a_refusal_is_an_answer() -> None:
    async def main() -> None:
        async with Bench() as bench:
            with pytest.raises(DeviceRefused, match=r"device failure \(exception 4\)"):
                await bench.read(99)
            assert bench.line.is_up([1])

    asyncio.run(main())


def test_a_request_that_is_given_up_closes_the_connection() -> None:
    async def main() -> None:
        async with Bench() as bench:
            bench.tables.answer.clear()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(bench.read(), 0.05)
            bench.tables.answer.set()
            assert await bench.read() == [7, 7]

    asyncio.run(main())


def test_nobody_there() -> None:
    async def main() -> None:
        bench = Bench()
        with pytest.raises(DeviceUnreachable, match="no connection to"):
            await bench.read()
        assert not bench.line.is_up([1])
        assert not bench.line.is_up([2])

    asyncio.run(main())


def test_the_last_word_before_a_write_comes_after_all_that_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with Bench() as bench:
            happened: list[str] = []
            connect = Device.connect

            async def noted(device: Device) -> None:
                await connect(device)
                happened.append("connected")

            def too_late() -> None:
                happened.append("asked")
                raise TimeoutError

            monkeypatch.setattr(Device, "connect", noted)
            async with bench.line.turn(urgent=True) as way:
                with pytest.raises(TimeoutError):
                    await way.write(HOLDING, 1, 0, [1], before=too_late)
            assert happened == ["connected", "asked"]
            assert bench.tables.writes == []
            assert await bench.read() == [7, 7]

    asyncio.run(main())
