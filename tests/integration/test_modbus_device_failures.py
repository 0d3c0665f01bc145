"""One connection to a device that misbehaves in every way that there is, over real sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from modbus_bridge.config.model import Connection, RegisterType, Tcp
from modbus_bridge.device import (
    Device,
    DeviceDiffers,
    DeviceError,
    DeviceLost,
    DeviceRefused,
    DeviceSilent,
    DeviceUnreachable,
)
from tests.integration.conftest import free_port
from tests.integration.modbus_peer import Asked, Peer, peer

HOLDING, INPUT, COIL, DISCRETE = (
    RegisterType.HOLDING,
    RegisterType.INPUT,
    RegisterType.COIL,
    RegisterType.DISCRETE,
)


class Bench:
    """A device and what it is connected to."""

    def __init__(self, other: Peer) -> None:
        self.peer = other
        self.lost = 0
        self.device = Device(other.connection(), self._note_lost)

    def _note_lost(self) -> None:
        self.lost += 1

    async def read(self, count: int = 2) -> list[int]:
        if not self.device.is_connected:
            await self.device.connect()
        return await self.device.read(HOLDING, 1, 10, count)

    async def write(self, table: RegisterType, words: list[int], **how: bool) -> None:
        if not self.device.is_connected:
            await self.device.connect()
        await self.device.write(table, 1, 10, words, **how)


def bench(test: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
    """Run a test, which must leave no exception behind in the loop."""
    unhandled: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(context))
        async with peer() as other:
            found = Bench(other)
            try:
                await test(found)
            finally:
                found.device.close()
            # What a late answer or a closed connection still causes.
            for _ in range(3):
                await asyncio.sleep(0)

    asyncio.run(main())
    assert unhandled == []


Send = Callable[[Asked], bytes]
WRONG: dict[str, tuple[Send, str]] = {
    "another unit": (lambda asked: asked.frame(b"\x03\x04\0\1\0\2", unit=9), "device id 9 instead of 1"),
    "another function": (lambda asked: asked.frame(b"\x04\x04\0\1\0\2"), "function code 4 instead of 3"),
    "an exception of another function": (lambda asked: asked.frame(b"\x84\x02"), "function code 132 instead of 3"),
    "an exception without a code": (lambda asked: asked.frame(b"\x83"), "an exception of 1 byte instead of 2"),
    "an exception that goes on": (lambda asked: asked.frame(b"\x83\x02\0"), "an exception of 3 bytes instead of 2"),
    "another byte count": (lambda asked: asked.frame(b"\x03\x02\0\1\0\2"), "2 bytes stated, 4 bytes of values"),
    "too few registers": (lambda asked: asked.frame(b"\x03\x02\0\1"), "2 bytes of values instead of 4"),
    "too many registers": (lambda asked: asked.frame(b"\x03\x06\0\1\0\2\0\3"), "6 bytes of values instead of 4"),
    "a count that lies": (lambda asked: asked.frame(b"\x03\x04\0\1"), "4 bytes stated, 2 bytes of values"),
    "nothing but a function code": (lambda asked: asked.frame(b"\x03"), "0 bytes of values instead of 4"),
    "another protocol": (lambda asked: asked.transaction + b"\0\1\0\7" + b"\x01\x03\x04\0\1\0\2", "not Modbus TCP"),
    "a length of one": (lambda asked: asked.transaction + b"\0\0\0\1" + b"\x01\x03\x04\0\1\0\2", "not Modbus TCP"),
    "a length beyond the limit": (lambda asked: asked.transaction + b"\0\0\1\0" + b"\x01" * 256, "not Modbus TCP"),
    "a text": (lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n", "not Modbus TCP"),
    "half an answer": (lambda asked: asked.right()[:-1], "no answer"),
    "another transaction": (lambda asked: asked.frame(b"\x03\x04\0\1\0\2", transaction=b"\xab\xcd"), "no answer"),
    "nothing": (lambda _: b"", "no answer"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_answer_is_never_taken_for_one_and_costs_the_connection(name: str) -> None:
    send, text = WRONG[name]

    async def test(bench: Bench) -> None:
        async def first_wrong(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(send(asked) if asked.number == 1 else asked.right())

        bench.peer.answer = first_wrong
        with pytest.raises(DeviceSilent, match=text):
            await bench.read()
        assert not bench.device.is_connected
        assert await bench.read() == [10, 11]
        assert bench.peer.connections == 2

    bench(test)


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one() -> None:
    async def test(bench: Bench) -> None:
        first: list[tuple[Asked, asyncio.StreamWriter]] = []

        async def keep_the_first(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if asked.number == 1:
                first.append((asked, writer))
                return
            late, old = first[0]
            # To the old connection, and with the old transaction id to the new one.
            old.write(late.frame(b"\x03\x04\xff\xff\xff\xff"))
            writer.write(late.frame(b"\x03\x04\xff\xff\xff\xff"))
            writer.write(asked.right())

        bench.peer.answer = keep_the_first
        with pytest.raises(DeviceSilent):
            await bench.read()
        assert await bench.read() == [10, 11]
        assert bench.lost == 0

    bench(test)


def test_a_request_that_was_given_up_costs_the_connection() -> None:
    async def test(bench: Bench) -> None:
        async def silent(asked: Asked, writer: asyncio.StreamWriter) -> None:
            pass

        bench.peer.answer = silent
        reading = asyncio.create_task(bench.read())
        await bench.peer.until(lambda: len(bench.peer.asked) == 1)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not bench.device.is_connected

    bench(test)


def test_an_answer_in_single_bytes() -> None:
    async def test(bench: Bench) -> None:
        async def slowly(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in asked.right():
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(0)

        bench.peer.answer = slowly
        assert await bench.read(5) == [10, 11, 12, 13, 14]

    bench(test)


def test_answers_that_nobody_asked_for_are_passed_over_but_not_without_end() -> None:
    async def test(bench: Bench) -> None:
        async def twice(asked: Asked, writer: asyncio.StreamWriter) -> None:
            stray = asked.frame(b"\x03\x04\xff\xff\xff\xff", transaction=b"\xee\xee")
            # Before, glued together, and once more behind.
            writer.write(stray + asked.right() + asked.right())

        bench.peer.answer = twice
        for _ in range(40):
            assert await bench.read() == [10, 11]
        assert bench.peer.connections == 1

        async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(asked.frame(b"\x03\x04\0\1\0\2", transaction=b"\xee\xee") * 50)

        bench.peer.answer = endless
        with pytest.raises(DeviceSilent, match="nobody asked for"):
            await bench.read()

    bench(test)


def test_a_device_that_closes_before_or_within_an_answer() -> None:
    async def test(bench: Bench) -> None:
        async def half(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(asked.right()[:8])
            writer.close()

        bench.peer.answer = half
        with pytest.raises(DeviceLost, match="closed the connection"):
            await bench.read()
        assert bench.lost == 1
        bench.peer.greet = lambda _: False
        with pytest.raises(DeviceLost):
            await bench.read()

    bench(test)


def test_a_device_that_closes_while_nobody_asks_is_told() -> None:
    async def test(bench: Bench) -> None:
        lost = asyncio.Event()
        bench.device = Device(bench.peer.connection(), lost.set)
        await bench.read()
        bench.peer.writers[1].close()
        await lost.wait()
        assert not bench.device.is_connected

    bench(test)


def test_nobody_there_and_no_such_host() -> None:
    async def main() -> None:
        for host, text in (("127.0.0.1", "connection refused"), ("a" * 70 + ".example", "not the name of a host")):
            device = Device(Connection("d", Tcp(host, free_port())), lambda: None)
            with pytest.raises(DeviceUnreachable, match=text):
                await device.connect()

    asyncio.run(main())


def test_a_host_that_does_not_answer_at_all() -> None:
    async def main() -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            host, port = full.getsockname()
            waiting = [Device(Connection("d", Tcp(host, port), connect_timeout_s=0.1), lambda: None) for _ in range(3)]
            # The kernel accepts some, then it is as silent as a host that is switched off.
            with pytest.raises(DeviceUnreachable, match="no answer"):
                await _connect_all(waiting)
            for device in waiting:
                device.close()

    asyncio.run(main())


async def _connect_all(devices: list[Device]) -> None:
    for device in devices:
        await device.connect()


def test_an_idle_connection_is_watched_by_the_kernel() -> None:
    async def test(bench: Bench) -> None:
        await bench.read()
        wire: Any = bench.device._wire
        connected = wire._connection._transport.get_extra_info("socket")
        assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1

    bench(test)


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8])
def test_an_exception_is_an_answer(code: int) -> None:
    async def test(bench: Bench) -> None:
        async def refuse(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(asked.exception(code))

        bench.peer.answer = refuse
        for attempt in (bench.read, partial(bench.write, HOLDING, [1])):
            with pytest.raises(DeviceRefused, match=rf"\(exception {code}\)") as caught:
                await attempt()
            assert caught.value.code == code
        assert bench.device.is_connected

    bench(test)


def test_accepted_but_not_done_is_said_so() -> None:
    assert str(DeviceRefused(5)).endswith("whether it will be is unknown (exception 5)")


def test_an_exception_without_a_name_is_its_number() -> None:
    assert str(DeviceRefused(99)) == "the device refuses: exception 99"


@pytest.mark.parametrize("code", [10, 11])
def test_a_gateway_that_does_not_reach_the_unit_is_silence_of_the_unit(code: int) -> None:
    async def test(bench: Bench) -> None:
        async def refuse(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(asked.exception(code))

        bench.peer.answer = refuse
        with pytest.raises(DeviceSilent, match="no answer from device id 1 behind"):
            await bench.read()
        assert bench.device.is_connected

    bench(test)


@pytest.mark.parametrize(
    ("table", "words", "how", "pdu"),
    [
        (COIL, [1], {}, "05 000a ff00"),
        (COIL, [0], {}, "05 000a 0000"),
        (COIL, [1], {"multi_write": True}, "0f 000a 0001 01 01"),
        (COIL, [1, 0, 1, 1, 0, 0, 1, 1, 1, 0], {}, "0f 000a 000a 02 cd01"),
        (HOLDING, [0x1234], {}, "06 000a 1234"),
        (HOLDING, [0x1234], {"multi_write": True}, "10 000a 0001 02 1234"),
        (HOLDING, [1, 0xFFFF], {}, "10 000a 0002 04 0001 ffff"),
    ],
)
def test_writes(table: RegisterType, words: list[int], how: dict[str, bool], pdu: str) -> None:
    async def test(bench: Bench) -> None:
        await bench.write(table, words, **how)
        assert bench.peer.asked[0].pdu == bytes.fromhex(pdu)

        async def echo_of_another(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(asked.frame(asked.pdu[:3] + bytes((asked.pdu[3] ^ 1, asked.pdu[4]))))

        bench.peer.answer = echo_of_another
        with pytest.raises(DeviceDiffers, match="what was written is unknown"):
            await bench.write(table, words, **how)
        assert bench.device.is_connected

        async def too_short(asked: Asked, writer: asyncio.StreamWriter) -> None:
            writer.write(asked.frame(asked.pdu[:4]))

        bench.peer.answer = too_short
        with pytest.raises(DeviceSilent, match="4 bytes instead of 5"):
            await bench.write(table, words, **how)
        assert not bench.device.is_connected

    bench(test)


def test_what_cannot_be_written_is_not_sent() -> None:
    async def test(bench: Bench) -> None:
        for table, words in ((INPUT, [1]), (DISCRETE, [1]), (HOLDING, []), (HOLDING, [0] * 124), (COIL, [0] * 1969)):
            with pytest.raises(ValueError, match=r"cannot be written|expected 1 to"):
                await bench.write(table, words)
        assert bench.peer.asked == []

    bench(test)


def test_bits() -> None:
    async def test(bench: Bench) -> None:
        await bench.device.connect()
        assert await bench.device.read(COIL, 1, 0, 11) == [1, 0] * 5 + [1]
        assert await bench.device.read(DISCRETE, 1, 0, 8) == [1, 0] * 4
        assert [asked.pdu[0] for asked in bench.peer.asked] == [1, 2]

    bench(test)


def test_transaction_ids_go_round() -> None:
    async def test(bench: Bench) -> None:
        wire: Any = bench.device._wire
        wire._transaction = 0xFFFE
        for _ in range(3):
            await bench.read()
        assert [asked.transaction.hex() for asked in bench.peer.asked] == ["ffff", "0000", "0001"]

    bench(test)


def test_every_failure_is_a_device_error() -> None:
    for kind in (DeviceUnreachable, DeviceLost, DeviceSilent, DeviceRefused, DeviceDiffers):
        assert issubclass(kind, DeviceError)
