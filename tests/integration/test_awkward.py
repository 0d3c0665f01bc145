"""The misbehaving device over real sockets, asked by a client that is not ours (pyModbusTCP)."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import Callable
from typing import Any

from pyModbusTCP.client import ModbusClient

from modbus_bridge.config.model import RegisterType
from tests.integration.conftest import Start, eventually
from tools.awkward import AwkwardDevice, Misdeed, Script

HOLDING = RegisterType.HOLDING


def with_client(device: AwkwardDevice, ask: Callable[[ModbusClient], Any], **client: Any) -> Any:
    """Start the device, call `ask` in a thread with a client of it, and return what that returns."""

    async def main() -> Any:
        async with device:
            asking = ModbusClient("127.0.0.1", device.port, unit_id=1, timeout=0.3, **client)
            try:
                return await asyncio.to_thread(ask, asking)
            finally:
                asking.close()

    return asyncio.run(main())


def test_it_answers_and_remembers() -> None:
    device = AwkwardDevice()
    heard = with_client(device, lambda client: [client.read_holding_registers(5, 3) for _ in range(2)])
    assert heard[0] != heard[1]
    assert [list(answer.words) for answer in device.records.answers(1, HOLDING)] == heard[::-1]
    assert all(answer.is_good and answer.start == 5 for answer in device.records.answers(1, HOLDING))


def test_a_write_stands() -> None:
    device = AwkwardDevice()
    ask = lambda client: [client.write_multiple_registers(7, [1, 2]), client.read_holding_registers(7, 2)]  # noqa: E731
    assert with_client(device, ask) == [True, [1, 2]]
    assert [(write.start, write.words) for write in device.records.writes()] == [(7, (1, 2))]


def test_good_answers_in_odd_ways() -> None:
    device = AwkwardDevice(Script([Misdeed.SPLIT]))
    heard = with_client(device, lambda client: client.read_holding_registers(5, 3))
    assert heard == list(next(device.records.answers(1, HOLDING)).words)


def test_what_it_does_wrong_is_remembered_as_wrong() -> None:
    wrong = [Misdeed.STALL, Misdeed.REFUSE, Misdeed.CLOSE, Misdeed.WRONG_UNIT, Misdeed.WRONG_TRANSACTION, Misdeed.CUT]
    device = AwkwardDevice(Script(wrong))
    heard = with_client(device, lambda client: [client.read_holding_registers(5, 3) for _ in range(7)])
    assert heard[:6] == [None] * 6
    answers = [*device.records.answers(1, HOLDING)]
    assert heard[6] == list(answers[0].words)
    # A refusal tells nothing; the others might be taken for answers.
    assert [answer.is_good for answer in answers] == [True, *[False] * 5]
    assert all(device.records.deeds[misdeed] == 1 for misdeed in wrong)


def test_a_late_answer_comes_among_the_others() -> None:
    async def main() -> None:
        async with AwkwardDevice(Script([Misdeed.LATE]), late_after_s=0.1) as device:
            reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
            request = bytes.fromhex("0000 0006 01 03 0005 0001")
            writer.write(b"\x00\x01" + request + b"\x00\x02" + request)
            first, second = await reader.readexactly(11), await reader.readexactly(11)
            assert (first[:2], second[:2]) == (b"\x00\x02", b"\x00\x01")
            writer.close()
            await writer.wait_closed()

    asyncio.run(main())


def test_it_goes_away_and_comes_back_at_the_same_port() -> None:
    async def main() -> None:
        async with AwkwardDevice(units=(1,), silent=(2,)) as device:
            client = ModbusClient("127.0.0.1", device.port, unit_id=1, timeout=0.3)
            read = lambda: client.read_coils(0, 9)  # noqa: E731
            assert await asyncio.to_thread(read)
            await device.go_away()
            assert await asyncio.to_thread(read) is None
            await device.come_back()
            assert await asyncio.to_thread(read)
            client.unit_id = 3
            assert await asyncio.to_thread(read) is None
            assert client.last_except == 11
            client.close()

    asyncio.run(main())


def test_the_command(start: Start) -> None:
    process = start("tools.awkward", "--refuse", "1", "--codes", "6")
    line = eventually(lambda: re.search(r"awkward device at 127\.0\.0\.1:(\d+)", process.output))
    assert line
    client = ModbusClient("127.0.0.1", int(line[1]), timeout=5)
    assert client.read_holding_registers(0, 1) is None
    assert client.last_except == 6
    client.close()
    assert process.stop(signal.SIGINT) == 0
    assert "requests: 1, connections: 1, refuse: 1" in process.output
