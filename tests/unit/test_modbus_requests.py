"""Requests of masters without their framing: taken apart, refused, and answered by a desk."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.pdu import DecodePDU, ExceptionResponse

from modbus_bridge.config.model import Kind, Point, RegisterType, ServedPoint, ServedUnit
from modbus_bridge.serving import requests
from modbus_bridge.serving.desk import Desk, ReadyTables
from modbus_bridge.serving.faults import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, NO_SUCH_UNIT, Fault
from modbus_bridge.serving.requests import MaskWrite, Write
from modbus_bridge.simulate.device import SimulatedDevice

HOLDING = RegisterType.HOLDING
COIL = RegisterType.COIL
words = st.integers(0, 0xFFFF)


@given(st.lists(st.booleans(), min_size=1, max_size=2000))
def test_bits_travel_as_they_are(values: list[bool]) -> None:
    packed = requests.packed_bits(values)
    assert len(packed) == (len(values) + 7) // 8
    assert packed == bytes(
        sum(values[index] << index % 8 for index in range(start, min(start + 8, len(values))))
        for start in range(0, len(values), 8)
    )
    assert requests.bits(packed, len(values)) == tuple(values)


@given(st.lists(words, min_size=1, max_size=125))
def test_registers_travel_high_byte_first(values: list[int]) -> None:
    packed = requests.packed_registers(values)
    assert packed == b"".join(value.to_bytes(2, "big") for value in values)
    assert requests.registers(packed) == tuple(values)


@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        ("05 0007 ff00", Write(COIL, 7, (1,))),
        ("05 ffff 0000", Write(COIL, 0xFFFF, (0,))),
        ("06 0001 0203", Write(HOLDING, 1, (0x0203,))),
        ("0f 0010 000a 02 cd01", Write(COIL, 16, (1, 0, 1, 1, 0, 0, 1, 1, 1, 0))),
        ("10 0001 0002 04 000a 0102", Write(HOLDING, 1, (10, 0x0102))),
    ],
)
def test_writes(pdu: str, expected: Write) -> None:
    assert requests.write_of(bytes.fromhex(pdu)) == expected


@given(words, words, words)
def test_a_mask_write_keeps_the_bits_of_its_and_mask(current: int, and_mask: int, or_mask: int) -> None:
    applied = MaskWrite(0, and_mask, or_mask).applied(current)
    assert applied & and_mask == current & and_mask
    assert applied & ~and_mask == or_mask & ~and_mask & 0xFFFF


@pytest.fixture(scope="module")
def desk() -> Desk:
    """A unit 1 with holding registers 10 to 19 and 11 coils, and a unit 2 that has words at hand for nobody."""
    points = [ServedPoint("/a", Point(f"h{offset}", HOLDING, offset, 1)) for offset in range(10, 20)]
    points += [ServedPoint("/a", Point(f"c{offset}", COIL, offset, 1, kind=Kind.BOOL)) for offset in range(11)]
    unit = SimulatedDevice([ServedUnit(None, tuple(points))], seed=1).units[None]
    for offset in range(10, 20):
        asyncio.run(unit.write(HOLDING, offset, [offset]))
    return Desk({1: unit, 2: Plain(unit)})


class Plain:
    """Tables that can only be awaited."""

    def __init__(self, tables: ReadyTables) -> None:
        self._tables = tables

    async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
        return await self._tables.read(table, start, count)

    async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
        await self._tables.write(table, start, words)


def answer(desk: Desk, pdu: bytes | str, device_id: int = 1) -> bytes:
    found = desk.answer(device_id, bytes.fromhex(pdu) if isinstance(pdu, str) else pdu)
    if isinstance(found, bytes):
        return found

    async def awaited() -> bytes:
        assert inspect.isawaitable(found)
        return await found

    return asyncio.run(awaited())


@pytest.mark.parametrize("device_id", [1, 2])
@pytest.mark.parametrize(
    ("pdu", "expected"),
    [
        ("03 000a 0002", "03 04 000a 000b"),
        ("10 000a 0002 04 000a 000b", "10 000a 0002"),
        ("06 000b 000b", "06 000b 000b"),
        # 11 & 0x00f2 | 0x0025 & ~0x00f2, then what was there again
        ("16 000b 00f2 0025", "16 000b 00f2 0025"),
        ("03 000b 0001", "03 02 0007"),
        ("17 000a 0003 000b 0001 02 000b", "17 06 000a 000b 000c"),
        ("0f 0000 000a 02 cd01", "0f 0000 000a"),
        ("01 0000 000b", "01 02 cd01"),
        ("05 0000 0000", "05 0000 0000"),
        ("01 0000 0008", "01 01 cc"),
        ("08 0000 a537", "08 0000 a537"),
    ],
)
def test_what_is_answered(desk: Desk, pdu: str, expected: str, device_id: int) -> None:
    # The cases are told in one go: some of them look at what others wrote.
    if pdu == "01 0000 000b":
        answer(desk, "0f 0000 000b 02 cd01", device_id)
    elif pdu == "01 0000 0008":
        answer(desk, "0f 0000 000a 02 cc01", device_id)
    elif pdu == "03 000b 0001":
        answer(desk, "06 000b 000b", device_id)
        answer(desk, "16 000b 00f2 0025", device_id)
    elif pdu == "03 000a 0002":
        answer(desk, "06 000b 000b", device_id)
    assert answer(desk, pdu, device_id) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        ("03 000a 0000", ILLEGAL_VALUE),
        ("03 000a 007e", ILLEGAL_VALUE),
        ("01 0000 07d1", ILLEGAL_VALUE),
        ("03 000a 00", ILLEGAL_VALUE),
        ("03 000a 0001 00", ILLEGAL_VALUE),
        ("03", ILLEGAL_VALUE),
        ("03 0009 0001", ILLEGAL_ADDRESS),
        ("03 0013 0002", ILLEGAL_ADDRESS),
        ("03 ffff 007d", ILLEGAL_ADDRESS),
        ("04 0000 0001", ILLEGAL_ADDRESS),
        ("05 0000 1234", ILLEGAL_VALUE),
        ("06 000a", ILLEGAL_VALUE),
        ("06 0000 0000", ILLEGAL_ADDRESS),
        ("10 000a 0002 02 0001", ILLEGAL_VALUE),
        ("10 000a 0000 00", ILLEGAL_VALUE),
        ("10 000a 0001 02 0001 00", ILLEGAL_VALUE),
        ("10 000a 007c f8" + "00" * 248, ILLEGAL_VALUE),
        ("0f 0000 0009 01 ff", ILLEGAL_VALUE),
        ("16 000a 0000", ILLEGAL_VALUE),
        ("17 000a 0001 000a 0001 02", ILLEGAL_VALUE),
        ("17 000a 007e 000a 0001 02 0000", ILLEGAL_VALUE),
        ("17 0000 0001 000a 0001 02 0000", ILLEGAL_ADDRESS),
        ("08 0001 0000", ILLEGAL_FUNCTION),
        ("08", ILLEGAL_VALUE),
        ("2b 0d 01 00", ILLEGAL_FUNCTION),
        ("2b 0e 05 00", ILLEGAL_VALUE),
        ("2b 0e 04 03", ILLEGAL_ADDRESS),
        ("07", ILLEGAL_FUNCTION),
        ("00", ILLEGAL_FUNCTION),
        ("83 00", ILLEGAL_FUNCTION),
    ],
)
def test_what_is_refused(desk: Desk, pdu: str, code: int) -> None:
    before = desk.exceptions[code]
    request = bytes.fromhex(pdu)
    assert answer(desk, request) == bytes((request[0] & 0x7F | 0x80, code))
    assert desk.exceptions[code] == before + 1


def test_nothing_is_written_if_the_read_of_the_same_request_cannot_be_done(desk: Desk) -> None:
    before = answer(desk, "03 000a 0001")
    assert answer(desk, "17 0000 0001 000a 0001 02 7777")[0] == 0x97
    assert answer(desk, "03 000a 0001") == before


def test_a_unit_that_is_not_there(desk: Desk) -> None:
    assert answer(desk, "03 000a 0001", device_id=3) == bytes((0x83, NO_SUCH_UNIT))
    assert desk.serves(2)
    assert not desk.serves(3)
    assert Desk({None: desk.units[1]}).serves(3)


def test_who_it_is(desk: Desk) -> None:
    assert answer(desk, "2b 0e 04 00") == bytes.fromhex("2b 0e 04 82 00 00 01 00 07") + b"ess-bus"
    basic = answer(desk, "2b 0e 01 00")
    assert basic[6] == 3
    assert b"modbus_server" in basic


@given(st.binary(min_size=1, max_size=253), st.integers(0, 255))
def test_any_request_has_an_answer_that_another_implementation_understands(
    desk: Desk, pdu: bytes, device_id: int
) -> None:
    found = answer(desk, pdu, device_id)
    assert len(found) <= 253
    if found[0] & 0x80:
        assert len(found) == 2
        assert found[0] & 0x7F == pdu[0] & 0x7F
        assert found[1] in (1, 2, 3, 11)
    else:
        assert found[0] == pdu[0]


@given(
    st.sampled_from([1, 2, 3, 4, 5, 6, 15, 16, 22, 23]),
    st.integers(8, 21),
    st.integers(1, 12),
    st.binary(min_size=24, max_size=24),
)
def test_what_looks_right_is_answered_as_another_implementation_expects(
    desk: Desk, function: int, start: int, count: int, data: bytes
) -> None:
    head = bytes((function,)) + start.to_bytes(2, "big")
    amount = count.to_bytes(2, "big")
    pdu = {
        5: head + (b"\xff\x00" if data[0] & 1 else b"\0\0"),
        6: head + data[:2],
        15: head + amount + bytes(((count + 7) // 8,)) + data[: (count + 7) // 8],
        16: head + amount + bytes((2 * count,)) + data[: 2 * count],
        22: head + data[:4],
        23: head + amount + head[1:] + amount + bytes((2 * count,)) + data[: 2 * count],
    }.get(function, head + amount)
    found = answer(desk, pdu)
    decoded = DecodePDU(False).decode(found)
    assert decoded is not None
    assert isinstance(decoded, ExceptionResponse) == bool(found[0] & 0x80)
    if function in (3, 4, 23) and not found[0] & 0x80:
        assert len(decoded.registers) == count


def test_a_mistake_in_here_is_a_device_failure_and_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def read(self, table: RegisterType, start: int, count: int) -> list[int]:
            raise RuntimeError(f"a mistake with {table} {start} {count}")

        async def write(self, table: RegisterType, start: int, words: Sequence[int]) -> None:
            raise Fault(6, f"busy with {table} {start} {words}")

    desk = Desk({None: Broken()})
    assert answer(desk, "03 0000 0001") == b"\x83\x04"
    assert answer(desk, "06 0000 0001") == b"\x86\x06"
    assert "a mistake" in caplog.text
