"""A line to devices on a serial line: a real terminal device of the kernel, whose other end the test holds."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from modbus_bridge.config.model import Connection, RegisterType, Serial
from modbus_bridge.device import Device, DeviceDiffers, DeviceLost, DeviceRefused, DeviceSilent, DeviceUnreachable
from modbus_bridge.polling.line import Line
from modbus_bridge.rtu.frame import Frame, RequestSplitter, frame
from tests.integration.modbus_peer import right_pdu

HOLDING = RegisterType.HOLDING
Answer = Callable[[Frame], bytes]


def right(request: Frame) -> bytes:
    """Answer as every unit of the line would."""
    return frame(request.unit, right_pdu(request.pdu))


class Bus:
    """The units of a serial line, behind a symbolic link as udev makes them.

    Attributes:
        answer: what comes back for a request.
        asked: all requests so far, with the time of each.
    """

    def __init__(self, folder: Path) -> None:
        self.node = folder / "ttyUSB0"
        self.answer: Answer = right
        self.asked: list[Frame] = []
        self.times: list[float] = []
        self._splitter = RequestSplitter()
        self._master = -1
        self._slave = -1

    def plug(self) -> None:
        self._master, self._slave = os.openpty()
        os.set_blocking(self._master, False)
        self.node.unlink(missing_ok=True)
        self.node.symlink_to(os.ttyname(self._slave))
        asyncio.get_running_loop().add_reader(self._master, self._received)

    def unplug(self) -> None:
        if self._master >= 0:
            asyncio.get_running_loop().remove_reader(self._master)
            os.close(self._master)
            os.close(self._slave)
            self._master = -1
            self.node.unlink()

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def connection(self, **settings: object) -> Connection:
        address = Serial(str(self.node), 115200, "even")
        return Connection("d", address, **{"request_timeout_s": 0.15} | settings)  # type: ignore[arg-type]

    def _received(self) -> None:
        for request in self._splitter.feed(os.read(self._master, 4096)):
            self.asked.append(request)
            self.times.append(time.monotonic())
            self.send(self.answer(request))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.bus = Bus(folder)
        self.bus.plug()
        self.lost = asyncio.Event()
        self.device = Device(self.bus.connection(), self.lost.set)
        self.line = Line(self.bus.connection(request_timeout_s=0.3), [1, 2], lambda: None)

    async def read(self, unit: int = 1, start: int = 10) -> list[int]:
        if not self.device.is_connected:
            await self.device.connect()
        return await self.device.read(HOLDING, unit, start, 2)

    async def write(self, word: int) -> None:
        await self.device.write(HOLDING, 1, 10, [word])


@pytest.fixture
def bench(tmp_path: Path) -> Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]:
    def run(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
        unhandled: list[dict[str, Any]] = []

        async def main() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
            found = Bench(tmp_path)
            try:
                await test(found)
            finally:
                found.device.close()
                found.line.close()
                found.bus.unplug()

        asyncio.run(main())
        assert unhandled == []

    return run


Run = Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]


def test_many_units_of_one_line(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        for unit in (1, 2, 247):
            assert await bench.read(unit) == [10, 11]
        await bench.device.write(HOLDING, 1, 10, [5, 6])
        await bench.device.write(RegisterType.COIL, 1, 10, [1])
        assert await bench.device.read(RegisterType.COIL, 1, 0, 9) == [1, 0, 1, 0, 1, 0, 1, 0, 1]
        assert [request.unit for request in bench.bus.asked] == [1, 2, 247, 1, 1, 1]

    bench(test)


def test_frames_are_apart(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        for _ in range(10):
            await bench.read()
        times = bench.bus.times
        assert min(after - before for before, after in pairwise(times)) >= 0.00175

    bench(test)


WRONG: dict[str, Answer] = {
    "nothing": lambda _: b"",
    "a wrong crc": lambda request: right(request)[:-1] + bytes((right(request)[-1] ^ 1,)),
    "half an answer": lambda request: right(request)[:-3],
    "another unit": lambda request: right(Frame(9, request.pdu)),
    "another function": lambda request: right(Frame(1, b"\x04" + request.pdu[1:])),
    "noise": lambda _: bytes(range(256)) * 4,
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_answer_is_never_taken_for_one(bench: Run, name: str) -> None:
    async def test(bench: Bench) -> None:
        bench.bus.answer = WRONG[name]
        with pytest.raises(DeviceSilent, match=r"no answer from .*ttyUSB0 \(device id 1\)"):
            await bench.read()
        bench.bus.answer = right
        assert await bench.read() == [10, 11]

    bench(test)


def test_noise_before_an_answer_and_an_answer_in_pieces(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.bus.answer = lambda request: b"\xff\x01\x03\x80" + right(request)
        assert await bench.read() == [10, 11]

        def in_pieces(request: Frame) -> bytes:
            whole = right(request)
            loop = asyncio.get_running_loop()
            for index in range(1, len(whole)):
                loop.call_later(0.002 * index, bench.bus.send, whole[index : index + 1])
            return whole[:1]

        bench.bus.answer = in_pieces
        assert await bench.read() == [10, 11]

    bench(test)


def test_an_answer_of_another_length_costs_the_connection(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.bus.answer = lambda request: frame(request.unit, b"\x03\x02\x00\x01")
        with pytest.raises(DeviceSilent, match="2 bytes of values instead of 4"):
            await bench.read()
        assert not bench.device.is_connected

    bench(test)


def test_exceptions_and_echoes_of_something_else(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.bus.answer = lambda request: frame(request.unit, bytes((request.pdu[0] | 0x80, 2)))
        with pytest.raises(DeviceRefused, match="illegal data address"):
            await bench.read()
        bench.bus.answer = lambda request: frame(request.unit, request.pdu[:3] + b"\0\1")
        with pytest.raises(DeviceDiffers, match="confirms 1 at address 10 instead of 7 at 10"):
            await bench.write(7)

    bench(test)


def test_an_adapter_that_hears_its_own_voice_confirms_no_write(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        bench.bus.answer = lambda request: frame(*request) + right(request)
        assert await bench.read() == [10, 11]
        await bench.write(7)
        # Now the device is dead, and only the adapter is heard.
        bench.bus.answer = lambda request: frame(*request)
        with pytest.raises(DeviceSilent):
            await bench.write(7)
        # Another adapter, without an echo.
        bench.bus.answer = right
        with pytest.raises(DeviceSilent):
            await bench.read()
        assert await bench.read() == [10, 11]
        await bench.write(7)

    bench(test)


def test_a_silent_unit_is_not_asked_before_its_late_answer_has_passed(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        loop = asyncio.get_running_loop()

        def late(request: Frame) -> bytes:
            if request.unit == 2:
                return right(request)
            # Values of another register, after the time-out.
            loop.call_later(0.5, bench.bus.send, right(request))
            return b""

        bench.bus.answer = late

        async def read(unit: int, start: int) -> list[int]:
            async with bench.line.turn() as way:
                return await way.read(HOLDING, unit, start, 2)

        with pytest.raises(DeviceSilent):
            await read(1, 50)
        failed_at_s = time.monotonic()
        assert bench.line.retry_at_s([1]) >= failed_at_s + 0.29
        bench.bus.answer = right
        # The late answer comes while another unit is asked again and again.
        while time.monotonic() < bench.line.retry_at_s([1]):
            assert await read(2, 60) == [60, 61]
        assert await read(1, 70) == [70, 71]

    bench(test)


def test_a_request_that_was_given_up_does_not_answer_the_next_one(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        asked = asyncio.Event()

        def late(request: Frame) -> bytes:
            loop.call_later(0.05, bench.bus.send, right(request))
            asked.set()
            return b""

        bench.bus.answer = late
        reading = asyncio.create_task(bench.read(start=50))
        await asked.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        bench.bus.answer = right
        assert await bench.read(start=60) == [60, 61]

    bench(test)


def test_a_line_that_is_never_silent(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        await bench.read()

        begun = asyncio.Event()

        async def babble() -> None:
            while True:
                bench.bus.send(b"\xff" * 8)
                begun.set()
                await asyncio.sleep(0.001)

        babbling = asyncio.create_task(babble())
        # Only what comes before a request delays it.
        await begun.wait()
        bench.bus.answer = lambda _: b""
        with pytest.raises(DeviceSilent, match=r"never silent|no answer"):
            await bench.read()
        babbling.cancel()
        await asyncio.wait([babbling])
        bench.bus.answer = right
        assert await bench.read() == [10, 11]

    bench(test)


def test_a_line_that_vanishes_and_comes_back(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        await bench.read()
        bench.bus.unplug()
        await bench.lost.wait()
        assert not bench.device.is_connected
        with pytest.raises(DeviceUnreachable, match="no such file"):
            await bench.read()
        bench.bus.plug()
        assert await bench.read() == [10, 11]

        def pull(_: Frame) -> bytes:
            asyncio.get_running_loop().call_soon(bench.bus.unplug)
            return b""

        bench.bus.answer = pull
        with pytest.raises(DeviceLost, match="is gone"):
            await bench.read()

    bench(test)


def test_a_line_that_another_process_has(bench: Run) -> None:
    async def test(bench: Bench) -> None:
        await bench.read()
        second = Device(bench.bus.connection(), lambda: None)
        with pytest.raises(DeviceUnreachable, match="in use by another process"):
            await second.connect()
        second.close()

    bench(test)


def test_what_is_no_serial_line() -> None:
    async def main() -> None:
        device = Device(Connection("d", Serial("/dev/null")), lambda: None)
        with pytest.raises(DeviceUnreachable, match="cannot open /dev/null"):
            await device.connect()

    asyncio.run(main())
