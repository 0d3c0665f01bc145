"""Registers <-> values."""

from __future__ import annotations

import math
import re
import struct
from typing import Any

import pytest

from modbus_bridge.config.model import Kind, RegisterType
from modbus_bridge.values import codec
from tests.modbus_points import point

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
            ({"scale": -10, "signed": True}, [0x8000], 3276.8),
            ({"size": 2, "scale": 1000, "shift": -2000000}, [0, 1500], -1999998.5),
            ({"size": 4, "word_order": (1, 0, 3, 2)}, [2, 1, 4, 3], 0x0001_0002_0003_0004),
            ({"size": 4, "word_order": (3, 0, 1, 2)}, [2, 3, 4, 1], 0x0001_0002_0003_0004),
            ({"size": 4}, [0xFFFF] * 4, 2**64 - 1),
            ({"size": 4, "signed": True, "scale": 10}, [0x8000, 0, 0, 0], -922337203685477580.8),
            ({"size": 4, "shift": 1}, [0xFFFF] * 4, 2.0**64),
            ({"first_bit": 4, "bits": 4}, [0xABCD], 0xC),
            ({"first_bit": 12}, [0xABCD], 0xA),
            ({"first_bit": 4, "bits": 4, "signed": True}, [0x0080], -8),
            ({"first_bit": 8, "scale": 10, "shift": -4}, [0x3200], 1.0),
            ({"first_bit": 4, "bits": 4, "invert_mask": 0xFF}, [0xABCD], 0x3),
            ({"size": 2, "first_bit": 12, "bits": 8, "word_swap": True}, [0xABCD, 0x1234], 0x4A),
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
            ({"scale": 100}, 1.005, (101,)),
            ({"scale": 100}, 0.145, (15,)),
            ({"scale": 100, "signed": True}, -0.145, (65536 - 15,)),
            ({"scale": 100}, 0.1449999, (14,)),
            ({"scale": 0.1}, 65535, (6554,)),
            ({"size": 4, "word_order": (1, 0, 3, 2)}, 0x0001_0002_0003_0004, (2, 1, 4, 3)),
            ({"size": 4}, 2**64 - 1, (0xFFFF,) * 4),
            ({"size": 4, "signed": True}, -(2**63), (0x8000, 0, 0, 0)),
            ({"size": 4}, 2**53 + 1, (0x20, 0, 0, 1)),
            ({"first_bit": 4, "bits": 4}, 0xC, (0x00C0,)),
            ({"first_bit": 4, "bits": 4, "signed": True}, -8, (0x0080,)),
            ({"first_bit": 4, "bits": 4, "invert_mask": 0xFFFF}, 0x3, (0x00C0,)),
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
            ({"scale": 10, "shift": -40}, -40.1, "-40.1 does not fit; expected -40 to 6513.5"),
            ({"size": 2, "scale": 10}, 1e9, "expected 0 to 429496729.5"),
            ({"size": 4, "signed": True}, 2**63, "expected -9223372036854775808 to 9223372036854775807"),
            ({"first_bit": 4, "bits": 4}, 16, "16 does not fit; expected 0 to 15"),
            ({"first_bit": 4, "bits": 4, "signed": True}, 8, "8 does not fit; expected -8 to 7"),
            ({"invalid": frozenset({0xFFFF})}, 65535, '65535 would be stored as 0xffff, which means "not available"'),
            ({"size": 2, "is_float": True}, -math.inf, "finite"),
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

    def test_integers_beyond_all_floats_are_refused(self) -> None:
        with pytest.raises(ValueError, match="is too large"):
            codec.encode(point(), 10**400)

    def test_coil(self) -> None:
        coil = point(type=RegisterType.COIL, kind=Kind.BOOL)
        assert [codec.encode(coil, value) for value in (True, 1, False, 0)] == [(1,), (1,), (0,), (0,)]
        # The words are what gen-3 took as well.
        assert [codec.encode(coil, value) for value in ("true", "false")] == [(1,), (0,)]
        refused: list[Any] = [2, "True", "1", None, [1]]
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


class TestFloats:
    @pytest.mark.parametrize(("size", "layout"), [(2, ">f"), (4, ">d")])
    def test_negative_zero_is_zero(self, size: int, layout: str) -> None:
        some = point(size=size, is_float=True)
        words = struct.unpack(f">{size}H", struct.pack(layout, -0.0))
        assert str(codec.decode(some, words)) == "0.0"
        assert str(codec.decode(point(size=size, is_float=True, scale=-10), words)) == "0.0"

    def test_a_scaled_zero_has_no_sign(self) -> None:
        assert str(codec.decode(point(scale=-10), [0])) == "0.0"

    def test_what_is_too_small_for_a_single_is_zero(self) -> None:
        assert codec.encode(point(size=2, is_float=True), 1e-60) == (0, 0)

    def test_what_rounds_to_infinity_is_refused(self) -> None:
        with pytest.raises(ValueError, match="does not fit into a 32-bit float"):
            codec.encode(point(size=2, is_float=True), 3.4028236e38)

    def test_a_scale_beyond_all_floats_gives_null(self) -> None:
        assert codec.decode(point(size=4, scale=1e-300), [0xFFFF] * 4) is None
        assert codec.decode(point(size=4, is_float=True, scale=1e-300), [0x7FE0, 0, 0, 0]) is None


class TestNotAvailable:
    def test_sentinels_are_null(self) -> None:
        some = point(signed=True, scale=10, invalid=frozenset({0x8000, 0x7FFF}))
        assert [codec.decode(some, [word]) for word in (0x8000, 0x7FFF, 0x7FFE)] == [None, None, 3276.6]

    @pytest.mark.parametrize("kind", [Kind.NUMBER, Kind.BOOL, Kind.ENUM, Kind.BIT_FIELD, Kind.TEXT])
    def test_in_every_kind(self, kind: Kind) -> None:
        assert codec.decode(point(kind=kind, invalid=frozenset({0xFFFF})), [0xFFFF]) is None

    def test_individual_bits_are_null_one_by_one(self) -> None:
        bits = point(kind=Kind.INDIVIDUAL_BITS, strings={0: "ready", 2: "fault"}, invalid=frozenset({0xFFFF}))
        assert codec.published(bits, [0xFFFF]) == {"ready": None, "fault": None}

    def test_they_are_bits_of_the_part_with_the_mask_undone(self) -> None:
        some = point(first_bit=4, bits=4, invert_mask=0xF0, invalid=frozenset({0xF}))
        assert codec.decode(some, [0x000A]) is None
        assert codec.number(some, [0x000A]) is None
        assert codec.decode(some, [0x00FA]) == 0

    def test_null_is_never_written(self) -> None:
        for kind in Kind:
            with pytest.raises(ValueError, match=r"expected .*got null"):
                codec.encode(point(kind=kind, invalid=frozenset({0xFFFF})), None)


class TestTexts:
    name = point(size=4, kind=Kind.TEXT)

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            ([0x4142, 0x4300, 0, 0], "ABC"),
            ([0x4142, 0x4320, 0x2020, 0x2020], "ABC"),
            ([0x4142, 0x0043, 0x4445, 0], "AB"),
            ([0x2041, 0, 0, 0], " A"),
            ([0xB043, 0, 0, 0], "\N{DEGREE SIGN}C"),
            ([0x410A, 0x9F42, 0, 0], "A\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}B"),
            ([0, 0, 0, 0], ""),
        ],
    )
    def test_two_characters_in_a_register_the_first_one_high(self, words: list[int], text: str) -> None:
        assert codec.decode(self.name, words) == text

    def test_is_written_with_nuls_behind(self) -> None:
        assert codec.encode(self.name, "ABC") == (0x4142, 0x4300, 0, 0)
        assert codec.encode(self.name, "") == (0, 0, 0, 0)
        assert codec.encode(self.name, "\N{DEGREE SIGN}") == (0xB000, 0, 0, 0)

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("123456789", "has 9 characters; expected 8 at most"),
            ("a\n", r"cannot be stored; expected printable"),
            ("\N{EURO SIGN}", "cannot be stored"),
            ("a\0b", "cannot be stored"),
            (5, "expected a text, got 5"),
            (["a"], "expected a text"),
        ],
    )
    def test_what_cannot_be_stored_is_refused(self, value: Any, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            codec.encode(self.name, value)


class TestTruthValues:
    def test_numbers_instead_of_truth_values(self) -> None:
        coil = point(type=RegisterType.COIL, kind=Kind.BOOL, use_bool=False)
        assert [repr(codec.decode(coil, [word])) for word in (0, 1)] == ["0", "1"]

    def test_a_negative_scale_inverts(self) -> None:
        coil = point(type=RegisterType.COIL, kind=Kind.BOOL, scale=-1)
        assert [codec.decode(coil, [word]) for word in (0, 1)] == [True, False]
        assert [codec.encode(coil, value) for value in (True, False)] == [(0,), (1,)]
        both = point(type=RegisterType.COIL, kind=Kind.BOOL, scale=-1, invert_mask=1)
        assert codec.decode(both, [1]) is True


class TestParts:
    def test_a_change_concerns_its_own_bits_only(self) -> None:
        some = point(first_bit=4, bits=4)
        assert codec.change(some, 0b0101) == (0x0050, 0x00A0)
        assert codec.changed([0xFFFF], *codec.change(some, 5)) == (0xFF5F,)

    def test_across_swapped_words(self) -> None:
        some = point(size=2, first_bit=12, bits=8, word_swap=True, invert_mask=0xFFFFFFFF)
        assert codec.changed([0xABCD, 0x1234], *codec.change(some, 0x4A)) == (0x5BCD, 0x123B)
        assert codec.decode(some, [0x5BCD, 0x123B]) == 0x4A

    def test_bits_of_a_part(self) -> None:
        bits = point(kind=Kind.INDIVIDUAL_BITS, first_bit=8, bits=4, strings={0: "ready", 3: "fault"})
        assert codec.published(bits, [0x0800]) == {"ready": False, "fault": True}
        assert codec.bit_change(bits, "fault", True) == (0x0800, 0)

    def test_a_bit_field_names_its_own_bits(self) -> None:
        field = point(kind=Kind.BIT_FIELD, first_bit=8, bits=4, strings={3: "door"})
        assert codec.decode(field, [0xF8FF]) == [{"value": 3, "string": "door"}]
        with pytest.raises(ValueError, match="expected bits 0 to 3"):
            codec.encode(field, [4])
