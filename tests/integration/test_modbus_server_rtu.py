"""A server on a serial line: a pseudo-terminal whose other end is the master."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tty
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import AsyncModbusSerialClient

from modbus_bridge.config.model import RegisterType, Serial
from modbus_bridge.rtu.frame import frame
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.listener_rtu import RtuListener
from modbus_bridge.serving.listener_tcp import ListenError
from tests.integration.conftest import Start, eventually
from tests.integration.modbus_site import until

HOLDING = RegisterType.HOLDING
READ = bytes.fromhex("03 0000 0001")
WRITE = bytes.fromhex("06 0000 0007")
# Neither is a byte of any frame here: what is awaited afterwards proves that nothing was sent before.
PROBE = bytes.fromhex("08 0000 5a5a")


class Unit:
    """A unit with one register; writes wait for `ready`."""

    def __init__(self, value: int) -> None:
        self.value = value
        self.ready = asyncio.Event()
        self.ready.set()
        self.writing = asyncio.Event()
        self.written: list[int] = []

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        assert (table, start, count) == (HOLDING, 0, 1)
        return [self.value]

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        assert (table, start) == (HOLDING, 0)
        self.written += words
        self.writing.set()
        await self.ready.wait()


class Master:
    """The other end of a line."""

    def __init__(self) -> None:
        self.file, line = os.openpty()
        self.name = os.ttyname(line)
        tty.setraw(line)
        self._line = line
        os.set_blocking(self.file, False)

    def send(self, *frames: bytes) -> None:
        os.write(self.file, b"".join(frames))

    async def hear(self, expected: bytes) -> None:
        data = b""
        while len(data) < len(expected):
            readable = asyncio.Event()
            asyncio.get_running_loop().add_reader(self.file, readable.set)
            await readable.wait()
            asyncio.get_running_loop().remove_reader(self.file)
            data += os.read(self.file, 1000)
        assert data.hex() == expected.hex()

    def close(self) -> None:
        for number in (self.file, self._line):
            os.close(number)


class Bench:
    def __init__(self) -> None:
        self.master = Master()
        self.units = {3: Unit(0x1234), 4: Unit(0x5678)}
        self.desk = Desk({3: self.units[3], 4: self.units[4]})
        self.listener = RtuListener(self.desk, Serial(self.master.name, 19200))


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    found = Bench()
    found.listener.start()
    try:
        yield found
    finally:
        found.listener.close()
        found.master.close()


def run(main: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60), bench() as found:
            await main(found)

    asyncio.run(limited())


def test_each_unit_answers_for_itself_and_the_others_are_left_alone() -> None:
    async def main(found: Bench) -> None:
        master = found.master
        master.send(frame(3, READ))
        await master.hear(frame(3, bytes.fromhex("03 02 1234")))
        # Somebody else's request and answer, on the same line.
        master.send(frame(9, READ), frame(9, bytes.fromhex("03 02 0001")))
        master.send(frame(4, READ))
        await master.hear(frame(4, bytes.fromhex("03 02 5678")))
        master.send(frame(4, bytes.fromhex("03 0000 0000")))
        await master.hear(frame(4, b"\x83\x03"))
        assert found.desk.requests == 3

    run(main)


def test_bytes_in_pieces_noise_and_broken_frames() -> None:
    async def main(found: Bench) -> None:
        master = found.master
        for byte in frame(3, READ):
            master.send(bytes((byte,)))
            await asyncio.sleep(0.001)
        await master.hear(frame(3, bytes.fromhex("03 02 1234")))
        broken = bytearray(frame(3, WRITE))
        broken[-1] ^= 1
        master.send(b"\xff\x00\x99", bytes(broken))
        # After a silence the next one counts again, whatever there was before.
        await asyncio.sleep(0.1)
        master.send(frame(3, PROBE))
        await master.hear(frame(3, PROBE))
        assert found.units[3].written == []

    run(main)


def test_a_broadcast_reaches_every_unit_and_nobody_answers() -> None:
    async def main(found: Bench) -> None:
        found.master.send(frame(0, WRITE))
        await found.units[3].writing.wait()
        await found.units[4].writing.wait()
        found.master.send(frame(0, READ))
        found.master.send(frame(3, PROBE))
        await found.master.hear(frame(3, PROBE))
        assert found.units[3].written == found.units[4].written == [7]

    run(main)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    async def main(found: Bench) -> None:
        unit, master = found.units[3], found.master
        unit.ready.clear()
        master.send(frame(3, WRITE))
        await unit.writing.wait()
        # The master gives up and asks for something else, then for another thing.
        master.send(frame(3, WRITE), frame(3, PROBE))
        await until(lambda: found.listener.is_behind)
        unit.ready.set()
        await master.hear(frame(3, PROBE))
        # What was overtaken before its turn was not carried out.
        assert unit.written == [7]

    run(main)


def test_the_master_of_another_implementation() -> None:
    async def main(found: Bench) -> None:
        line = found.master
        other, far = os.openpty()
        tty.setraw(far)
        os.set_blocking(other, False)
        loop = asyncio.get_running_loop()
        # The far ends of two pseudo-terminals, joined.
        loop.add_reader(other, lambda: os.write(line.file, os.read(other, 1000)))
        loop.add_reader(line.file, lambda: os.write(other, os.read(line.file, 1000)))
        master = AsyncModbusSerialClient(os.ttyname(far), baudrate=19200, timeout=5)
        try:
            assert await master.connect()
            assert (await master.read_holding_registers(0, count=1, device_id=4)).registers == [0x5678]
            assert not (await master.write_register(0, 9, device_id=3)).isError()
            assert found.units[3].written == [9]
            assert (await master.read_exception_status(device_id=3)).exception_code == 1
        finally:
            master.close()
            for number in (other, line.file):
                loop.remove_reader(number)
            os.close(other)
            os.close(far)

    run(main)


def test_a_line_that_is_not_there_is_one_line() -> None:
    async def main() -> None:
        with pytest.raises(ListenError, match="cannot open /dev/nothing"):
            RtuListener(Desk({}), Serial("/dev/nothing")).start()

    asyncio.run(main())


def test_a_line_that_vanishes_is_opened_again(tmp_path: Path) -> None:
    async def main() -> None:
        first, second = Master(), Master()
        name = tmp_path / "line"
        name.symlink_to(first.name)
        unit = Unit(0x1234)
        listener = RtuListener(Desk({3: unit}), Serial(str(name), 115200))
        listener.start()
        try:
            first.close()
            name.unlink()
            name.symlink_to(second.name)
            async with asyncio.timeout(60):
                await until(lambda: not listener.is_open)
                await until(lambda: listener.is_open)
                second.send(frame(3, READ))
                await second.hear(frame(3, bytes.fromhex("03 02 1234")))
        finally:
            listener.close()
            second.close()

    asyncio.run(main())


def test_the_process_serves_a_line(start: Start, folder: Path) -> None:
    master = Master()
    file = folder / "server.json"
    entry = {"id": "a", "offset": 0, "uri": "/components/x"}
    system = {"id": "s", "serial_device": master.name, "baud_rate": 19200, "device_id": 3}
    file.write_text(json.dumps({"system": system, "registers": {"holding_registers": [entry]}}))
    values = folder / "values.json"
    values.write_text(json.dumps({"/components/x": {"a": 0x1234}}))
    process = start("modbus_bridge.server", "--simulate", file, "--values", values)
    try:
        eventually(lambda: "simulating s: 1 points at" in process.output)

        async def main() -> None:
            master.send(frame(3, READ))
            async with asyncio.timeout(60):
                await master.hear(frame(3, bytes.fromhex("03 02 1234")))

        asyncio.run(main())
    finally:
        process.end()
        master.close()
