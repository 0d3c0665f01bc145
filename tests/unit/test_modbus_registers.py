"""The registers that a server offers."""

from __future__ import annotations

import pytest

from modbus_bridge.config.model import Kind, Point, RegisterType, ServedPoint
from modbus_bridge.serving.faults import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE, Fault
from modbus_bridge.serving.registers import Registers, Slot, words_in
from modbus_bridge.serving.served import Bits

HOLDING = RegisterType.HOLDING
COIL = RegisterType.COIL
ONE = ServedPoint("/a", Point("one", HOLDING, offset=10, device_id=0))
TWO = ServedPoint("/a", Point("two", HOLDING, offset=12, device_id=0, size=2))
ALL = (1 << 32) - 1


def slot_of(registers: Registers, served: ServedPoint) -> Slot:
    return next(slot for slot in registers.slots if served in slot.served)


def store(registers: Registers, served: ServedPoint, number: int, mask: int = ALL) -> None:
    registers.store(slot_of(registers, served), Bits(mask & (1 << 16 * served.point.size) - 1, number))


@pytest.fixture
def registers() -> Registers:
    found = Registers([TWO, ONE])
    store(found, ONE, 1)
    store(found, TWO, 0x00020003)
    return found


def code(registers: Registers, start: int, count: int, table: RegisterType = HOLDING) -> int:
    with pytest.raises(Fault) as caught:
        registers.read(table, start, count)
    return caught.value.code


def test_gaps_read_zero_and_what_lies_outside_is_illegal(registers: Registers) -> None:
    assert registers.read(HOLDING, 10, 4) == [1, 0, 2, 3]
    assert registers.packed(HOLDING, 10, 4) == bytes.fromhex("0001 0000 0002 0003")
    assert registers.read(HOLDING, 11, 1) == [0]
    assert code(registers, 9, 2) == ILLEGAL_ADDRESS
    assert code(registers, 13, 2) == ILLEGAL_ADDRESS
    assert code(registers, 0xFFFF, 125) == ILLEGAL_ADDRESS
    assert code(registers, 0, 1, COIL) == ILLEGAL_ADDRESS


def test_the_last_address_can_be_served() -> None:
    last = ServedPoint("/a", Point("last", HOLDING, offset=0xFFFF, device_id=0))
    registers = Registers([last])
    store(registers, last, 7)
    assert registers.read(HOLDING, 0xFFFF, 1) == [7]
    assert code(registers, 0xFFFF, 2) == ILLEGAL_ADDRESS


def test_an_unknown_value_is_a_device_failure_for_every_read_that_touches_it(registers: Registers) -> None:
    registers.forget(slot_of(registers, TWO), ALL)
    assert registers.read(HOLDING, 10, 2) == [1, 0]
    assert code(registers, 10, 3) == DEVICE_FAILURE
    assert code(Registers([ONE]), 10, 1) == DEVICE_FAILURE


def test_what_is_served_for_an_unknown_value_is_what_the_file_says() -> None:
    served = ServedPoint("/a", Point("a", HOLDING, 0, 0, size=2, word_order=(1, 0), invalid=frozenset({0x7FFF0000, 5})))
    registers = Registers([served])
    assert registers.read(HOLDING, 0, 2) == [0, 0x7FFF]
    store(registers, served, 0x00010002)
    assert registers.read(HOLDING, 0, 2) == [1, 2]
    registers.forget(slot_of(registers, served), ALL)
    assert registers.read(HOLDING, 0, 2) == [0, 0x7FFF]


def test_a_register_of_parts_is_known_when_all_of_them_are() -> None:
    low = ServedPoint("/a", Point("low", HOLDING, 5, 0, first_bit=0, bits=4))
    high = ServedPoint("/b", Point("high", HOLDING, 5, 0, first_bit=12, bits=4))
    registers = Registers([low, high])
    store(registers, low, 0x0003, 0x000F)
    assert code(registers, 5, 1) == DEVICE_FAILURE
    store(registers, high, 0xA000, 0xF000)
    assert registers.read(HOLDING, 5, 1) == [0xA003]
    store(registers, low, 0x0004, 0x000F)
    assert registers.read(HOLDING, 5, 1) == [0xA004]
    registers.forget(slot_of(registers, high), 0xF000)
    assert code(registers, 5, 1) == DEVICE_FAILURE
    assert not slot_of(registers, high).knows(high)
    assert slot_of(registers, low).knows(low)


def test_of_individual_bits_only_those_with_a_name_must_be_known() -> None:
    bits = ServedPoint("/a", Point("bits", HOLDING, 5, 0, kind=Kind.INDIVIDUAL_BITS, strings={0: "x", 9: "y"}))
    registers = Registers([bits])
    store(registers, bits, 0x0001, 0x0001)
    assert code(registers, 5, 1) == DEVICE_FAILURE
    store(registers, bits, 0x0200, 0x0200)
    assert registers.read(HOLDING, 5, 1) == [0x0201]


def test_bits() -> None:
    coils = [ServedPoint("/a", Point(str(offset), COIL, offset, 0)) for offset in (3, 4, 12)]
    registers = Registers(coils)
    for coil, value in zip(coils, (1, 0, 1), strict=True):
        registers.store(slot_of(registers, coil), Bits(1, value))
    assert registers.read(COIL, 3, 10) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert registers.packed(COIL, 3, 10) == b"\x01\x02"


def test_a_write_touches_whole_variables(registers: Registers) -> None:
    one, two = slot_of(registers, ONE), slot_of(registers, TWO)
    assert registers.touched(HOLDING, 10, 4) == [one, two]
    assert words_in(two, 10, [7, 0, 8, 9]) == (8, 9)
    assert registers.touched(HOLDING, 12, 2) == [two]
    assert registers.read(HOLDING, 10, 1) == [1]


@pytest.mark.parametrize(
    ("start", "count", "expected"),
    [
        (12, 1, ILLEGAL_VALUE),
        (13, 1, ILLEGAL_VALUE),
        (10, 3, ILLEGAL_VALUE),
        (11, 1, ILLEGAL_ADDRESS),
        (9, 2, ILLEGAL_ADDRESS),
        (13, 2, ILLEGAL_ADDRESS),
    ],
)
def test_a_write_that_touches_part_of_a_variable_or_nothing(
    registers: Registers, start: int, count: int, expected: int
) -> None:
    with pytest.raises(Fault) as caught:
        registers.touched(HOLDING, start, count)
    assert caught.value.code == expected


def test_variables_share_registers_or_do_not_overlap() -> None:
    with pytest.raises(ValueError, match="/a/one overlaps with /a/two"):
        Registers([TWO, ServedPoint("/a", Point("one", HOLDING, 13, 0))])


def test_what_the_configuration_names_and_cannot_use_is_no_gap_that_reads_0() -> None:
    registers = Registers([ONE], [(HOLDING, 10, 14)])
    slot = registers.touched(HOLDING, 10, 1)[0]
    registers.store(slot, Bits(0xFFFF, 7))
    assert registers.read(HOLDING, 10, 1) == [7]
    assert code(registers, 10, 2) == code(registers, 13, 1) == DEVICE_FAILURE
    assert code(registers, 14, 1) == ILLEGAL_ADDRESS
    with pytest.raises(Fault) as fault:
        registers.touched(HOLDING, 10, 2)
    assert fault.value.code == DEVICE_FAILURE
