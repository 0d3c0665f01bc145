"""Masters of every kind at a real socket: slow, many, hostile, glued together, cut in pieces, and those of others."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from random import Random
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pyModbusTCP.client import ModbusClient

from modbus_bridge.config.model import Kind, Point, RegisterType, ServedPoint, ServedUnit
from modbus_bridge.serving.desk import Desk
from modbus_bridge.serving.listener_tcp import TcpListener
from modbus_bridge.simulate.device import SimulatedDevice
from tests.integration.modbus_site import until

HOLDING = RegisterType.HOLDING
READ = bytes.fromhex("0001 0000 0006 01 03 0000 0002")
ANSWER = bytes.fromhex("0001 0000 0007 01 03 04 0000 0001")


class Slow:
    """A unit whose answers wait for `ready`."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.asked = 0

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        assert table is HOLDING
        self.asked += 1
        await self.ready.wait()
        return list(range(start, start + count))

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        assert (table, start, len(words)) == (HOLDING, 0, 1)
        self.asked += 1
        await self.ready.wait()


# How many of each there are.
SIZES = {HOLDING: 400, RegisterType.INPUT: 10, RegisterType.COIL: 2000, RegisterType.DISCRETE: 10}


class Bench:
    """A listener with holding registers and the others from address 0 on, and a slow unit 9."""

    def __init__(self, **options: Any) -> None:
        points = [
            ServedPoint("/a", Point(f"{table}{offset}", table, offset, 1, kind=kind_of(table)))
            for table, size in SIZES.items()
            for offset in range(size)
        ]
        device = SimulatedDevice([ServedUnit(None, tuple(points))], seed=0)
        values: dict[RegisterType, Callable[[int], int]] = {
            HOLDING: lambda offset: offset,
            RegisterType.INPUT: lambda offset: offset + 1,
            RegisterType.COIL: lambda offset: offset % 3 == 0,
            RegisterType.DISCRETE: lambda offset: offset % 5 == 0,
        }
        for served in points:
            device.assign("/a", served.point.id, values[served.point.type](served.point.offset))
        self.slow = Slow()
        self.changes: list[str] = []
        self.desk = Desk({None: device.units[None], 9: self.slow})
        self.listener = TcpListener(self.desk, on_change=self.changes.append, **options)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.listener.port)


def kind_of(table: RegisterType) -> Kind:
    return Kind.BOOL if table.is_bits else Kind.NUMBER


@contextlib.asynccontextmanager
async def bench(**options: Any) -> AsyncIterator[Bench]:
    found = Bench(**options)
    await found.listener.start("127.0.0.1", 0)
    try:
        yield found
    finally:
        found.slow.ready.set()
        found.listener.close()


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await main()

    asyncio.run(limited())


def test_requests_that_are_glued_together_or_cut_in_pieces() -> None:
    async def main() -> None:
        async with bench() as found:
            reader, writer = await found.connect()
            count = 100
            requests = b"".join(number.to_bytes(2, "big") + READ[2:] for number in range(count))
            answers = b"".join(number.to_bytes(2, "big") + ANSWER[2:] for number in range(count))
            writer.write(requests)
            assert await reader.readexactly(len(answers)) == answers
            random = Random(1)
            while requests:
                size = random.randrange(1, 30)
                writer.write(requests[:size])
                await writer.drain()
                await asyncio.sleep(0)
                requests = requests[size:]
            assert await reader.readexactly(len(answers)) == answers
            for byte in READ:
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(0.001)
            assert await reader.readexactly(len(ANSWER)) == ANSWER
            writer.close()

    run(main)


def test_answers_keep_their_order_and_ids_while_one_is_waited_for() -> None:
    async def main() -> None:
        async with bench() as found:
            reader, writer = await found.connect()
            writer.write(bytes.fromhex("00aa 0000 0006 09 06 0000 0001") + READ)
            await until(lambda: found.slow.asked == 1)
            other_reader, other = await found.connect()
            other.write(READ)
            # Nobody else waits for the slow one.
            assert await other_reader.readexactly(len(ANSWER)) == ANSWER
            found.slow.ready.set()
            expected = bytes.fromhex("00aa 0000 0006 09 06 0000 0001") + ANSWER
            assert await reader.readexactly(len(expected)) == expected
            writer.close()
            other.close()

    run(main)


def test_a_master_that_says_no_more_still_gets_its_answer() -> None:
    async def main() -> None:
        async with bench() as found:
            reader, writer = await found.connect()
            writer.write(READ[:6] + bytes.fromhex("09 03 0000 0002"))
            writer.write_eof()
            await until(lambda: found.slow.asked == 1)
            found.slow.ready.set()
            assert await reader.read() == ANSWER[:6] + bytes.fromhex("09 03 04 0000 0001")
            writer.close()

    run(main)


def test_what_a_master_asked_last_before_it_left_is_not_begun() -> None:
    async def main() -> None:
        async with bench() as found:
            _, writer = await found.connect()
            writer.write(bytes.fromhex("0001 0000 0006 09 06 0000 0001") * 2)
            await until(lambda: found.slow.asked == 1)
            writer.close()
            reader, other = await found.connect()
            other.write(READ)
            # By the time of this answer, the end of the first connection was heard of too.
            await reader.readexactly(len(ANSWER))
            found.slow.ready.set()
            await until(lambda: len(found.listener.masters) == 1)
            assert found.slow.asked == 1
            other.close()

    run(main)


def test_many_masters_at_once() -> None:
    async def main() -> None:
        async with bench() as found:

            async def ask(start: int) -> None:
                reader, writer = await found.connect()
                for number in range(20):
                    request = number.to_bytes(2, "big") + READ[2:8] + start.to_bytes(2, "big") + b"\0\x7d"
                    writer.write(request)
                    answer = await reader.readexactly(9 + 250)
                    assert answer[:2] == request[:2]
                    assert answer[9:] == b"".join((start + index).to_bytes(2, "big") for index in range(125))
                writer.close()

            await asyncio.gather(*map(ask, range(0, 240, 4)))
            assert found.desk.requests == 60 * 20
            await until(lambda: found.listener.masters == [])
            assert len(found.changes) == 2 * 60

    run(main)


def test_more_masters_than_allowed_are_turned_away_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with bench(max_masters=2) as found:
            kept = [await found.connect() for _ in range(2)]
            await until(lambda: len(found.listener.masters) == 2)
            for _ in range(5):
                reader, writer = await found.connect()
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()
            for reader, writer in kept:
                writer.write(READ)
                assert await reader.readexactly(len(ANSWER)) == ANSWER
            kept[0][1].close()
            await until(lambda: len(found.listener.masters) == 1)
            reader, writer = await found.connect()
            writer.write(READ)
            assert await reader.readexactly(len(ANSWER)) == ANSWER
            writer.close()
            kept[1][1].close()

    with caplog.at_level(logging.WARNING):
        run(main)
    assert len(caplog.messages) == 1
    assert "is not let in: 2 are connected, which is the most" in caplog.text


def test_a_master_that_never_reads_its_answers_is_dropped_and_delays_nobody() -> None:
    async def main() -> None:
        async with bench(patience_s=0.2) as found:
            with socket.create_connection(("127.0.0.1", found.listener.port)) as deaf:
                deaf.setblocking(False)
                request = bytes.fromhex("0001 0000 0006 01 03 0000 007d") * 1000
                loop = asyncio.get_running_loop()
                flood = asyncio.create_task(_send_for_ever(loop, deaf, request))
                reader, writer = await found.connect()
                await until(lambda: len(found.listener.masters) == 2)
                while len(found.listener.masters) == 2:
                    writer.write(READ)
                    assert await reader.readexactly(len(ANSWER)) == ANSWER
                flood.cancel()
                assert found.changes[-1].endswith(": it does not read its answers")
                writer.close()

    run(main)


async def _send_for_ever(loop: asyncio.AbstractEventLoop, connection: socket.socket, data: bytes) -> None:
    with contextlib.suppress(ConnectionError):
        while True:
            await loop.sock_sendall(connection, data)


def test_random_bytes_are_answered_with_exceptions_or_the_end_of_the_connection() -> None:
    async def main() -> None:
        async with bench() as found:
            random = Random(7)
            for _ in range(150):
                reader, writer = await found.connect()
                for _ in range(random.randrange(1, 4)):
                    body = random.randbytes(random.randrange(1, 40))
                    framed = random.random() < 0.7
                    head = random.randbytes(2) + b"\0\0" + (len(body) + 1).to_bytes(2, "big") + b"\1"
                    writer.write(head + body if framed else random.randbytes(random.randrange(1, 300)))
                writer.write_eof()
                with contextlib.suppress(ConnectionResetError):
                    _check_answers(await reader.read())
                writer.close()
            reader, writer = await found.connect()
            writer.write(READ)
            assert len(await reader.readexactly(len(ANSWER))) == len(ANSWER)
            writer.close()

    run(main)


def _check_answers(data: bytes) -> None:
    while data:
        assert data[2:4] == b"\0\0"
        length = int.from_bytes(data[4:6], "big")
        pdu, data = data[7 : 6 + length], data[6 + length :]
        assert len(pdu) == length - 1
        assert not pdu[0] & 0x80 or (len(pdu) == 2 and 1 <= pdu[1] <= 11)


def test_the_same_garbage_again_and_again_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with bench() as found:
            for _ in range(20):
                reader, writer = await found.connect()
                writer.write(b"GET / HTTP/1.1\r\n\r\n")
                with contextlib.suppress(ConnectionResetError):
                    assert await reader.read() == b""
                writer.close()

    with caplog.at_level(logging.WARNING):
        run(main)
    assert len(caplog.messages) == 1
    assert "is not Modbus TCP (474554202f2048)" in caplog.text


class TestOthers:
    def test_pymodbus(self) -> None:
        async def main() -> None:
            async with bench() as found:
                master = AsyncModbusTcpClient("127.0.0.1", port=found.listener.port)
                assert await master.connect()
                holding = await master.read_holding_registers(5, count=125, device_id=3)
                assert holding.registers == list(range(5, 130))
                assert (await master.read_input_registers(5, count=2)).registers == [6, 7]
                coils = await master.read_coils(0, count=2000)
                assert coils.bits == [offset % 3 == 0 for offset in range(2000)]
                assert (await master.read_discrete_inputs(5, count=3)).bits[:3] == [True, False, False]
                assert not (await master.write_registers(10, list(range(123)))).isError()
                assert not (await master.write_coils(1, [True] * 20)).isError()
                assert (await master.read_coils(0, count=3)).bits[:3] == [True, True, True]
                assert not (await master.write_coil(1, False)).isError()
                assert not (await master.mask_write_register(address=10, and_mask=0xF0, or_mask=0x03)).isError()
                both = await master.readwrite_registers(read_address=9, read_count=3, write_address=10, values=[70])
                assert both.registers == [9, 70, 1]
                assert (await master.read_holding_registers(390, count=20)).exception_code == 2
                identity: Any = await master.read_device_information(read_code=2)
                assert identity.information[0] == b"ess-bus"
                echo: Any = await master.diag_query_data(b"\x12\x34")
                assert echo.message == b"\x12\x34"
                master.close()

        run(main)

    def test_pymodbustcp(self) -> None:
        async def main() -> None:
            async with bench() as found:
                await asyncio.to_thread(self._talk, found.listener.port)

        run(main)

    @staticmethod
    def _talk(port: int) -> None:
        master = ModbusClient(host="127.0.0.1", port=port, unit_id=1, timeout=5)
        try:
            assert master.open()
            assert master.read_holding_registers(5, 125) == list(range(5, 130))
            assert master.read_input_registers(5, 2) == [6, 7]
            assert master.read_coils(0, 2000) == [offset % 3 == 0 for offset in range(2000)]
            assert master.read_discrete_inputs(4, 3) == [False, True, False]
            assert master.write_single_register(3, 99)
            assert master.write_multiple_registers(4, [1, 2, 3])
            assert master.write_single_coil(1, True)
            assert master.write_multiple_coils(2, [True, False, True])
            assert master.read_holding_registers(3, 4) == [99, 1, 2, 3]
            assert master.read_coils(0, 5) == [True, True, True, False, True]
            assert master.write_read_multiple_registers(10, [5], 10, 2) == [5, 11]
            assert master.read_holding_registers(399, 2) is None
            assert master.last_except == 2
            assert master.read_device_identification().vendor_name == b"ess-bus"
        finally:
            master.close()
