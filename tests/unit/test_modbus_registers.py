"""The registers that a server offers."""

from __future__ import annotations

import pytest

from modbus_bridge.config.model import Point, RegisterType, ServedPoint
from modbus_bridge.registers import DEVICE_FAILURE, ILLEGAL_ADDRESS, ILLEGAL_VALUE, Fault, Registers

HOLDING = RegisterType.HOLDING
ONE = ServedPoint("/a", Point("one", HOLDING, offset=10, device_id=0))
TWO = ServedPoint("/a", Point("two", HOLDING, offset=12, device_id=0, size=2))


@pytest.fixture
def registers() -> Registers:
    found = Registers([TWO, ONE])
    found.store(ONE, (1,))
    found.store(TWO, (2, 3))
    return found


def code(registers: Registers, start: int, count: int, table: RegisterType = HOLDING) -> int:
    with pytest.raises(Fault) as caught:
        registers.read(table, start, count)
    return caught.value.code


def test_gaps_read_zero_and_what_lies_outside_is_illegal(registers: Registers) -> None:
    assert registers.read(HOLDING, 10, 4) == [1, 0, 2, 3]
    assert registers.read(HOLDING, 11, 1) == [0]
    assert code(registers, 9, 2) == ILLEGAL_ADDRESS
    assert code(registers, 13, 2) == ILLEGAL_ADDRESS
    assert code(registers, 0, 1, RegisterType.COIL) == ILLEGAL_ADDRESS


def test_an_unknown_value_is_a_device_failure_for_every_read_that_touches_it(registers: Registers) -> None:
    registers.store(TWO, None)
    assert registers.read(HOLDING, 10, 2) == [1, 0]
    assert code(registers, 10, 3) == DEVICE_FAILURE
    assert code(Registers([ONE]), 10, 1) == DEVICE_FAILURE


def test_a_write_touches_whole_variables(registers: Registers) -> None:
    assert registers.touched(HOLDING, 10, [7, 0, 8, 9]) == [(ONE, (7,)), (TWO, (8, 9))]
    assert registers.touched(HOLDING, 12, [8, 9]) == [(TWO, (8, 9))]
    assert registers.read(HOLDING, 10, 1) == [1]


@pytest.mark.parametrize(
    ("start", "words", "expected"),
    [
        (12, [8], ILLEGAL_VALUE),
        (13, [9], ILLEGAL_VALUE),
        (10, [7, 0, 8], ILLEGAL_VALUE),
        (11, [5], ILLEGAL_ADDRESS),
        (9, [5, 7], ILLEGAL_ADDRESS),
        (13, [5, 7], ILLEGAL_ADDRESS),
    ],
)
def test_a_write_that_touches_part_of_a_variable_or_nothing(
    registers: Registers, start: int, words: list[int], expected: int
) -> None:
    with pytest.raises(Fault) as caught:
        registers.touched(HOLDING, start, words)
    assert caught.value.code == expected
