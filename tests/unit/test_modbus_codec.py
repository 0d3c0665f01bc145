"""Registers <-> values."""

from __future__ import annotations

import math
import re
import struct
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from modbus_bridge import codec
from modbus_bridge.config.model import Kind, Point, RegisterType


def point(**changes: Any) -> Point:
    given_scale = changes.pop("scale", None)
    if changes.pop("word_swap", False):
        changes["word_order"] = tuple(reversed(range(changes.get("size", 1))))
    scale = None if given_scale is None else Fraction(repr(given_scale))
    defaults: dict[str, Any] = {"id": "p", "type": RegisterType.HOLDING, "offset": 0, "device_id": 1, "scale": scale}
    return Point(**(defaults | changes))


STATES = {0: "Stop", 1: "Run", 3: "Fault"}


class TestDecode:
    @pytest.mark.parametrize(
        ("changes", "words", "value"),
        [
            ({}, [65535], 65535),
            ({"signed": True}, [65535], -1),
            ({"signed": True}, [0x8000], -32768),
            ({"size": 2}, [1, 2], 65538),
            ({"size": 2, "word_swap": True}, [1, 2], 131073),
            ({"size": 2, "signed": True}, [0xFFFF, 0xFFFE], -2),
            ({"size": 4}, [1, 0, 0, 2], 2**48 + 2),
            ({"size": 4, "word_swap": True}, [2, 0, 0, 1], 2**48 + 2),
            ({"size": 4, "signed": True}, [0xFFFF] * 4, -1),
            ({"scale": 10}, [1234], 123.4),
            ({"scale": 10}, [7], 0.7),
            ({"scale": 10}, [10], 1.0),
            ({"scale": 10, "signed": True}, [65536 - 15], -1.5),
            ({"scale": 0.1}, [3], 30.0),
            ({"scale": 2.5}, [5], 2.0),
            ({"scale": -10}, [15], -1.5),
            ({"shift": -20000}, [20020], 20),
            ({"scale": 10, "shift": -40}, [652], 25.2),
            ({"invert_mask": 0xF}, [0b1010], 0b0101),
            ({"size": 2, "invert_mask": 1, "word_swap": True}, [1, 0], 0),
        ],
    )
    def test_number(self, changes: dict[str, Any], words: list[int], value: float) -> None:
        found = codec.decode(point(**changes), words)
        assert found == value
        assert type(found) is type(value)

    def test_floats(self) -> None:
        words = list(struct.unpack(">2H", struct.pack(">f", 1.5)))
        assert codec.decode(point(size=2, is_float=True), words) == 1.5
        assert codec.decode(point(size=2, is_float=True, word_swap=True), words[::-1]) == 1.5
        assert codec.decode(point(size=2, is_float=True, scale=10, shift=1), words) == 1.15
        words = list(struct.unpack(">4H", struct.pack(">d", 0.1)))
        assert codec.decode(point(size=4, is_float=True), words) == 0.1

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_float_that_json_lacks_is_null(self, value: float) -> None:
        words = struct.unpack(">2H", struct.pack(">f", value))
        assert codec.decode(point(size=2, is_float=True), words) is None

    def test_enum(self) -> None:
        enum = point(kind=Kind.ENUM, strings=STATES)
        assert codec.decode(enum, [3]) == [{"value": 3, "string": "Fault"}]
        assert codec.decode(enum, [9]) == [{"value": 9, "string": "Unknown"}]

    def test_bit_field(self) -> None:
        field = point(kind=Kind.BIT_FIELD, strings={0: "smoke", 15: "door"})
        assert codec.decode(field, [0]) == []
        assert codec.decode(field, [0x8003]) == [
            {"value": 0, "string": "smoke"},
            {"value": 1, "string": "Unknown"},
            {"value": 15, "string": "door"},
        ]

    def test_individual_bits_are_published_by_name(self) -> None:
        bits = point(kind=Kind.INDIVIDUAL_BITS, strings={0: "ready", 2: "fault"})
        assert codec.published(bits, [0b100]) == {"ready": False, "fault": True}
        assert codec.published(point(), [5]) == {"p": 5}

    def test_coil(self) -> None:
        coil = point(type=RegisterType.COIL, kind=Kind.BOOL)
        assert codec.decode(coil, [1]) is True
        assert codec.decode(coil, [0]) is False


class TestEncode:
    @pytest.mark.parametrize(
        ("changes", "value", "words"),
        [
            ({}, 5, (5,)),
            ({}, 5.4, (5,)),
            ({}, 5.5, (6,)),
            ({"signed": True}, -5.5, (65530,)),
            ({"signed": True}, -1, (65535,)),
            ({"size": 2}, 65538, (1, 2)),
            ({"size": 2, "word_swap": True}, 65538, (2, 1)),
            ({"scale": 100}, 0.29, (29,)),
            ({"scale": 10}, 123.45, (1235,)),
            ({"scale": 0.1}, 30, (3,)),
            ({"scale": -10}, -1.5, (15,)),
            ({"shift": -20000}, 20, (20020,)),
            ({"invert_mask": 0xF}, 0b0101, (0b1010,)),
        ],
    )
    def test_number(self, changes: dict[str, Any], value: float, words: tuple[int, ...]) -> None:
        assert codec.encode(point(**changes), value) == words

    @pytest.mark.parametrize(
        ("changes", "value", "reason"),
        [
            ({}, 65536, "65536 does not fit; expected 0 to 65535"),
            ({}, -1, "does not fit"),
            ({}, 2**70, "does not fit"),
            ({"signed": True}, 32768, "expected -32768 to 32767"),
            ({"scale": 10}, 6553.6, "expected 0 to 6553.5"),
            ({"scale": -10}, 1, "expected -6553.5 to 0"),
            ({}, True, "expected a number, got true"),
            ({}, "5", 'expected a number, got "5"'),
            ({}, None, "expected a number, got null"),
            ({}, [1], "expected a number"),
            ({}, {"a": 1}, "expected a number"),
            ({}, math.nan, "finite"),
            ({}, math.inf, "finite"),
            ({"size": 2, "is_float": True}, 1e39, "does not fit into a 32-bit float"),
            ({"size": 4, "is_float": True, "scale": 100}, 1e308, "does not fit into a 64-bit float"),
            ({"size": 2, "is_float": True}, "x", "expected a number"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, changes: dict[str, Any], value: Any, reason: str) -> None:
        with pytest.raises(ValueError, match=re.escape(reason)):
            codec.encode(point(**changes), value)

    def test_coil(self) -> None:
        coil = point(type=RegisterType.COIL, kind=Kind.BOOL)
        assert [codec.encode(coil, value) for value in (True, 1, False, 0)] == [(1,), (1,), (0,), (0,)]
        refused: list[Any] = [2, "true", None, [1]]
        for wrong in refused:
            with pytest.raises(ValueError, match="expected true, false, 1 or 0"):
                codec.encode(coil, wrong)

    def test_a_truth_value_fills_all_registers_of_its_point(self) -> None:
        wide = point(kind=Kind.BOOL, size=2, word_swap=True, invert_mask=0)
        assert codec.encode(wide, True) == (1, 0)
        assert codec.decode(wide, (1, 0)) is True
        inverted = point(type=RegisterType.COIL, kind=Kind.BOOL, invert_mask=1)
        assert codec.encode(inverted, True) == (0,)
        assert codec.decode(inverted, (0,)) is True

    @pytest.mark.parametrize("value", [3, "Fault", {"value": 3}, [{"value": 3, "string": "Fault"}], [3], ["Fault"]])
    def test_enum_forms(self, value: Any) -> None:
        assert codec.encode(point(kind=Kind.ENUM, strings=STATES), value) == (3,)

    @pytest.mark.parametrize("value", ["Nothing", [], [1, 3], True, None, {"string": "Run"}])
    def test_enum_refuses(self, value: Any) -> None:
        with pytest.raises(ValueError, match="expected"):
            codec.encode(point(kind=Kind.ENUM, strings=STATES), value)

    def test_bit_field_forms(self) -> None:
        field = point(kind=Kind.BIT_FIELD, strings={0: "smoke", 15: "door"})
        assert codec.encode(field, 0x8001) == (0x8001,)
        assert codec.encode(field, [{"value": 0, "string": "smoke"}, {"value": 15}]) == (0x8001,)
        assert codec.encode(field, [0, 15]) == (0x8001,)
        assert codec.encode(field, []) == (0,)
        refused: list[Any] = [[16], [True], ["smoke"], [{}], "x", 65536]
        for wrong in refused:
            with pytest.raises(ValueError, match="expected"):
                codec.encode(field, wrong)

    def test_individual_bits(self) -> None:
        bits = point(kind=Kind.INDIVIDUAL_BITS, strings={0: "ready", 2: "fault"})
        assert codec.bit_change(bits, "fault", True) == (4, 0)
        assert codec.bit_change(bits, "ready", 0) == (0, 1)
        with pytest.raises(ValueError, match="expected true"):
            codec.bit_change(bits, "ready", "on")
        assert codec.encode(bits, 5) == (5,)


@st.composite
def points(draw: st.DrawFn) -> Point:
    size = draw(st.sampled_from((1, 2, 4)))
    return point(
        size=size,
        signed=draw(st.booleans()),
        word_swap=draw(st.booleans()),
        invert_mask=draw(st.integers(0, 2 ** (16 * size) - 1)),
        shift=draw(st.integers(-1000, 1000)),
    )


@given(points(), st.data())
def test_unscaled_words_survive_the_round_trip(some: Point, data: st.DataObject) -> None:
    words = tuple(data.draw(st.lists(st.integers(0, 65535), min_size=some.size, max_size=some.size)))
    value = codec.decode(some, words)
    assume(isinstance(value, int))  # beyond 64 bits it is a float
    assert codec.encode(some, value) == words


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from((10, 100, 1000, 10000, 0.1, 0.01, -10, 60, 2.5, 0.0005)),
    st.integers(-1000, 1000),
    st.booleans(),
)
def test_scaled_words_survive_the_round_trip(bits: int, scale: float, shift: int, signed: bool) -> None:
    some = point(size=2, scale=scale, shift=shift, signed=signed)
    words = (bits >> 16, bits & 0xFFFF)
    assert codec.encode(some, codec.decode(some, words)) == words


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.booleans())
def test_floats_survive_the_round_trip(value: float, swap: bool) -> None:
    some = point(size=2, is_float=True, word_swap=swap)
    assert codec.decode(some, codec.encode(some, value)) == value


@given(points(), st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.integers(), st.lists))
def test_any_value_is_encoded_or_refused(some: Point, value: Any) -> None:
    try:
        words = codec.encode(some, value)
    except ValueError:
        return
    assert len(words) == some.size
    assert all(0 <= word <= 65535 for word in words)
