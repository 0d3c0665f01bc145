"""What owners publish, as masters find it in registers, and what a write of registers means to the owners."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from modbus_bridge.config.model import Kind, Point, RegisterType, ServedPoint
from modbus_bridge.serving.faults import DEVICE_FAILURE, ILLEGAL_VALUE, Fault
from modbus_bridge.serving.registers import Registers
from modbus_bridge.serving.variables import Variables

HOLDING = RegisterType.HOLDING
URI = "/components/x"


def served(name: str, offset: int = 0, uri: str = URI, last_bit: bool = False, **keys: Any) -> ServedPoint:
    keys.setdefault("type", HOLDING)
    return ServedPoint(uri, Point(id=name, offset=offset, device_id=1, **keys), last_bit)


class Shown:
    """One unit."""

    def __init__(self, *points: ServedPoint) -> None:
        self.registers = Registers(points)
        self.variables = Variables([self.registers])

    def after(self, body: dict[str, Any], uri: str = URI) -> list[int] | int:
        self.variables.update(uri, body)
        return self.read()

    def read(self, table: RegisterType = HOLDING) -> list[int] | int:
        slots = [slot for slot in self.registers.slots if slot.table is table]
        try:
            return self.registers.read(table, slots[0].offset, slots[-1].end - slots[0].offset)
        except Fault as fault:
            return fault.code

    def meant(self, *words: int) -> dict[str, dict[str, Any]]:
        return self.variables.assignments(self.registers.slots[0], words)


@pytest.mark.parametrize(
    ("point", "value", "words"),
    [
        (served("a"), 7, [7]),
        (served("a"), True, [1]),
        (served("a", signed=True, scale=Fraction(10)), -1.25, [65536 - 13]),
        (served("a", size=2), 65538, [1, 2]),
        (served("a", size=2, word_order=(1, 0)), 65538, [2, 1]),
        (served("a", size=4), 1 << 48, [1, 0, 0, 0]),
        (served("a", size=2, is_float=True), 1.5, [0x3FC0, 0]),
        (served("a", kind=Kind.BOOL), True, [1]),
        (served("a", kind=Kind.ENUM, strings={3: "Run"}), [{"value": 3, "string": "Run"}], [3]),
        (served("a", kind=Kind.ENUM, strings={3: "Run"}), 4, [4]),
        (served("a", kind=Kind.BIT_FIELD), [{"value": 0, "string": "a"}, {"value": 4, "string": "b"}], [0b10001]),
        (served("a", kind=Kind.BIT_FIELD), [], [0]),
        (served("a", kind=Kind.BIT_FIELD), 5, [5]),
        (served("a", kind=Kind.BIT_FIELD, last_bit=True), [{"value": 0, "string": "a"}, {"value": 4}], [4]),
        (served("a", kind=Kind.BIT_FIELD, last_bit=True), [], [0]),
        (served("a", kind=Kind.TEXT, size=3), "Hi!", [0x4869, 0x2100, 0]),
        (served("a", kind=Kind.INDIVIDUAL_BITS, strings={0: "x", 3: "y"}), 0b1001, [0b1001]),
        (served("a", invert_mask=0xFF), 0, [0xFF]),
    ],
)
def test_a_published_value_in_its_registers(point: ServedPoint, value: Any, words: list[int]) -> None:
    shown = Shown(point)
    assert shown.read() == DEVICE_FAILURE
    assert shown.variables.unknown == [f"{URI}/a"]
    assert shown.after({"a": value, "foreign": 1}) == words
    assert shown.variables.unknown == []
    assert shown.after({"a": None}) == DEVICE_FAILURE


@pytest.mark.parametrize("value", ["x", 70000, -1, [1], {"x": 1}, 1e300, [{"value": 2}]])
def test_what_does_not_fit_is_unknown_and_said_once(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    shown = Shown(served("a"))
    assert shown.after({"a": 1}) == [1]
    assert shown.after({"a": value}) == DEVICE_FAILURE
    assert shown.after({"a": value}) == DEVICE_FAILURE
    assert caplog.text.count(f"{URI}/a: ") == 1
    assert shown.after({"a": 2}) == [2]


def test_arrays_inside_each_other_without_end() -> None:
    shown = Shown(served("a"))
    nested: Any = []
    for _ in range(5000):
        nested = [nested]
    again: Any = []
    for _ in range(5000):
        again = [again]
    assert shown.after({"a": nested}) == DEVICE_FAILURE
    assert shown.after({"a": again}) == DEVICE_FAILURE
    assert shown.after({"a": 1}) == [1]


def test_an_unknown_value_is_what_the_file_says_that_stands_for_it() -> None:
    shown = Shown(served("a", invalid=frozenset({0xFFFF})))
    assert shown.read() == [0xFFFF]
    assert shown.variables.unknown == [f"{URI}/a"]
    assert shown.after({"a": 5}) == [5]
    assert shown.after({"a": None}) == [0xFFFF]


class TestIndividualBits:
    BITS = served("status", kind=Kind.INDIVIDUAL_BITS, strings={0: "open", 3: "fault"})

    def test_by_name(self) -> None:
        shown = Shown(self.BITS)
        assert shown.after({"open": True}) == DEVICE_FAILURE
        assert shown.after({"fault": False}) == [1]
        assert shown.after({"open": {"value": 1}, "fault": True}) == DEVICE_FAILURE  # clothed ones are undressed before
        assert shown.after({"open": 0}) == [8]
        assert shown.after({"open": None}) == DEVICE_FAILURE

    def test_the_form_may_change(self) -> None:
        shown = Shown(self.BITS)
        assert shown.after({"status": 9}) == [9]
        assert shown.after({"open": False}) == [8]
        assert shown.after({"status": 9}) == [9]
        assert shown.variables.lacking(URI, {"open": True, "status": 1, "new": 1}) == {"new": 1}

    def test_inverted_and_in_another_word_order(self) -> None:
        shown = Shown(
            served("s", kind=Kind.INDIVIDUAL_BITS, strings={16: "x"}, size=2, word_order=(1, 0), invert_mask=1 << 16)
        )
        assert shown.after({"x": False}) == [0, 1]
        assert shown.after({"x": True}) == [0, 0]
        assert shown.meant(0, 1) == {URI: {"x": False}}

    def test_a_write_sets_the_bits_that_differ(self) -> None:
        shown = Shown(self.BITS)
        assert shown.meant(1) == {URI: {"open": True, "fault": False}}
        shown.after({"open": True, "fault": False})
        assert shown.meant(9) == {URI: {"fault": True}}
        assert shown.meant(8) == {URI: {"open": False, "fault": True}}
        # Nobody would hear of it otherwise.
        assert shown.meant(1) == {URI: {"open": True, "fault": False}}

    def test_an_owner_that_tells_the_number_is_told_the_number(self) -> None:
        shown = Shown(self.BITS)
        shown.after({"status": 1})
        assert shown.meant(9) == {URI: {"status": 9}}
        shown.after({"open": True})
        assert shown.meant(9) == {URI: {"fault": True}}

    def test_a_bit_that_is_called_as_its_register(self) -> None:
        shown = Shown(served("alarm", kind=Kind.INDIVIDUAL_BITS, strings={2: "alarm"}))
        assert shown.after({"alarm": True}) == [4]
        assert shown.meant(0) == {URI: {"alarm": False}}
        assert shown.after({"alarm": 5}) == [5]
        assert shown.meant(4) == {URI: {"alarm": 4}}


class TestParts:
    MODE = served("mode", first_bit=0, bits=4, kind=Kind.ENUM, strings={1: "On"})
    LEVEL = served("level", first_bit=4, bits=8, signed=True)
    OTHER = served("other", uri="/components/y", first_bit=15, bits=1)

    def test_a_register_is_known_when_all_its_parts_are(self) -> None:
        shown = Shown(self.MODE, self.LEVEL, self.OTHER)
        assert shown.after({"mode": [{"value": 1, "string": "On"}], "level": -1}) == DEVICE_FAILURE
        assert shown.after({"other": 1}, "/components/y") == [0x8FF1]
        assert shown.after({"level": 3}) == [0x8031]
        assert shown.after({"level": 200}) == DEVICE_FAILURE
        assert shown.variables.unknown == [f"{URI}/level"]

    def test_a_write_sets_the_parts_that_differ(self) -> None:
        shown = Shown(self.MODE, self.LEVEL, self.OTHER)
        assert shown.meant(0x8FF1) == {URI: {"mode": 1, "level": -1}, "/components/y": {"other": 1}}
        shown.after({"mode": 1, "level": -1})
        shown.after({"other": 1}, "/components/y")
        assert shown.meant(0x8FF2) == {URI: {"mode": 2}}
        assert shown.meant(0x0FE1) == {URI: {"level": -2}, "/components/y": {"other": 0}}
        # A bit that belongs to nobody.
        assert shown.meant(0xCFF1) == {URI: {"mode": 1, "level": -1}, "/components/y": {"other": 1}}


def test_a_variable_is_shown_wherever_it_is_served() -> None:
    points = [served("a", 5), served("a", 7, type=RegisterType.INPUT, scale=Fraction(10))]
    one, other = Registers(points[:1]), Registers(points)
    variables = Variables([one, other])
    variables.update(URI, {"a": 3})
    assert one.read(HOLDING, 5, 1) == other.read(HOLDING, 5, 1) == [3]
    assert other.read(RegisterType.INPUT, 7, 1) == [30]
    variables.update(URI, {"a": 7000})  # too much for one of them
    assert one.read(HOLDING, 5, 1) == [7000]
    with pytest.raises(Fault):
        other.read(RegisterType.INPUT, 7, 1)
    variables.forget(URI)
    assert variables.unknown == [f"{URI}/a"]


def test_a_write_that_means_no_value_is_refused() -> None:
    shown = Shown(served("a", size=2, is_float=True))
    with pytest.raises(Fault) as caught:
        shown.meant(0x7FC0, 0)
    assert caught.value.code == ILLEGAL_VALUE
    sentinel = Shown(served("a", invalid=frozenset({0xFFFF})))
    with pytest.raises(Fault):
        sentinel.meant(0xFFFF)
    assert Shown(served("a", kind=Kind.TEXT, size=2)).meant(0x4869, 0) == {URI: {"a": "Hi"}}


def test_what_is_in_doubt_is_taken_from_the_next_answer_and_shown_until_then() -> None:
    shown = Shown(served("a"), served("b", 1))
    shown.after({"a": 1, "b": 2})
    assert shown.variables.lacking(URI, {"a": 5, "b": 6}) == {}
    shown.variables.doubt(URI, ["a"])
    assert shown.read() == [1, 2]
    assert shown.variables.lacking(URI, {"a": 5, "b": 6}) == {"a": 5}
