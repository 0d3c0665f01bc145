"""The entries of a map: what each key means, and which are left out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from modbus_bridge.config.model import Kind, RegisterType
from tests.unit.modbus_files import PLACE, client_of, loaded, point_of, points_of

OK = {"id": "ok", "offset": 0}


@pytest.mark.parametrize(
    ("entry", "attributes"),
    [
        ({"size": 2, "signed": True}, {"size": 2, "signed": True}),
        ({"size": 2, "float": True}, {"is_float": True}),
        ({"scale": 10}, {"scale": Fraction(10)}),
        ({"scale": 0.1}, {"scale": Fraction(1, 10)}),
        ({"scale": -10}, {"scale": Fraction(-10)}),
        ({"scale": 1.0}, {"scale": None}),
        ({"scale": 0}, {"scale": None}),
        ({"shift": -40}, {"shift": -40}),
        ({"invert_mask": "0xF"}, {"invert_mask": 15}),
        ({"invert_mask": "0b11"}, {"invert_mask": 3}),
        ({"bit_field": False, "bit_strings": ["a"]}, {"kind": Kind.NUMBER}),
        ({"bit_field": True, "bit_strings": ["a", None, "c c"]}, {"strings": {0: "a", 2: "c c"}}),
        ({"individual_bits": True, "bit_strings": ["a1", None, "c"]}, {"strings": {0: "a1", 2: "c"}}),
        (
            {"bit_field": True, "bit_strings": ["a", {"IGNORE": 2}, "d"], "size": 2},
            {"kind": Kind.BIT_FIELD, "strings": {0: "a", 3: "d"}},
        ),
        ({"random_enum": True, "bit_strings": [{"value": -1, "string": "x"}]}, {"strings": {-1: "x"}}),
        ({"random_enum": True, "enum": True, "bit_strings": ["x"]}, {"kind": Kind.ENUM}),
        ({"bool": True}, {"kind": Kind.BOOL}),
        ({"bool": True, "enum": True, "bit_strings": ["Off", "On"]}, {"kind": Kind.ENUM}),
        ({"bool": True, "bit_strings": ["Off", "On"]}, {"strings": {}}),
        ({"starting_bit_pos": 4, "number_of_bits": 3}, {"first_bit": 4, "bits": 3, "width": 3}),
        ({"starting_bit_pos": 4}, {"first_bit": 4, "bits": 0, "width": 12}),
        ({"number_of_bits": 16}, {"first_bit": 0, "bits": 0, "is_part": False}),
        ({"text": True, "size": 20}, {"kind": Kind.TEXT, "size": 20}),
        ({"string": True, "size": 125}, {"kind": Kind.TEXT}),
        ({"type": "string", "size": 3}, {"kind": Kind.TEXT}),
        ({"invalid": 65535}, {"invalid": {0xFFFF}}),
        ({"invalid": "0x7FFF"}, {"invalid": {0x7FFF}}),
        ({"invalid": ["0x8000", -1], "signed": True}, {"invalid": {0x8000, 0xFFFF}}),
        ({"invalid": -1, "size": 2, "signed": True}, {"invalid": {0xFFFF_FFFF}}),
        ({"use_bool": False}, {"use_bool": False}),
        ({"deadband": 0.5}, {"deadband": 0.5}),
        ({"name": "A b", "units": "kW"}, {"name": "A b", "unit": "kW"}),
        ({"name": 7, "unit": None}, {"name": "7", "unit": ""}),
        ({"unit": "V", "units": "kV"}, {"unit": "V"}),
    ],
)
def test_what_an_entry_means(entry: dict[str, Any], attributes: dict[str, Any]) -> None:
    found, warnings = loaded(client_of({"id": "a", "offset": 1} | entry))
    assert warnings in ([], [f"{PLACE}.0.bit_strings.1: IGNORE is not known to the original, skipped"])
    point = found.components[0].points[0]
    assert {name: getattr(point, name) for name in attributes} == attributes


def test_null_in_an_enum_is_a_value_without_a_string() -> None:
    strings = ["a", {"value": 5, "string": "b"}, "c", None, {"IGNORE": 2}, "d"]
    configuration, warnings = loaded(client_of({"id": "a", "offset": 1, "enum": True, "bit_strings": strings}))
    assert configuration.components[0].points[0].strings == {0: "a", 5: "b", 6: "c", 10: "d"}
    assert warnings == [
        f"{PLACE}.0.bit_strings.3: null in an enum, taken as a value without a string",
        f"{PLACE}.0.bit_strings.4: IGNORE is not known to the original, skipped",
    ]


@pytest.mark.parametrize(
    ("entry", "inverted"),
    [({}, 0), ({"invert_mask": "0xF"}, 1), ({"scale": -1}, 1), ({"scale": -1, "invert_mask": "0x1"}, 0)],
)
def test_a_coil_is_inverted_by_its_mask_or_a_negative_scale(entry: dict[str, Any], inverted: int) -> None:
    point = point_of(entry, kind="Coils")
    assert (point.kind, point.invert_mask, point.scale) == (Kind.BOOL, inverted, None)


@pytest.mark.parametrize(
    ("entry", "order"),
    [
        ({"size": 2}, ()),
        ({"size": 2, "byte_swap": True}, (1, 0)),
        ({"size": 4, "byte_swap": True}, (3, 2, 1, 0)),
        ({"size": 2, "word_order": "21"}, (1, 0)),
        ({"size": 2, "word_order": 12}, ()),
        ({"size": 4, "word_order": 1234}, ()),
        ({"size": 4, "word_order": 4321}, (3, 2, 1, 0)),
        ({"size": 4, "word_order": "2143"}, (1, 0, 3, 2)),
        # The second register is the most significant, then the fourth, the first and the third.
        ({"size": 4, "word_order": 3142}, (1, 3, 0, 2)),
        ({"size": 4, "word_order": 4321, "byte_swap": True}, (3, 2, 1, 0)),
        ({"size": 1, "byte_swap": True}, ()),
    ],
)
def test_the_order_of_the_words(entry: dict[str, Any], order: tuple[int, ...]) -> None:
    assert point_of(entry).word_order == order


def test_the_nearest_order_counts() -> None:
    assert point_of({"size": 4}, connection={"word_order": 2143}).word_order == (1, 0, 3, 2)
    assert point_of({"size": 2}, connection={"word_order": 4321, "byte_swap": True}).word_order == (1, 0)
    assert point_of({"size": 4, "byte_swap": False}, component={"word_order": 2143}).word_order == ()
    assert point_of({"size": 4, "word_order": 2143}, component={"byte_swap": True}).word_order == (1, 0, 3, 2)
    swapped = {"text": True, "size": 4}
    assert point_of(swapped, component={"byte_swap": True}).word_order == ()


def test_two_orders_that_contradict_each_other_are_named() -> None:
    data = client_of({"id": "a", "offset": 1, "size": 4, "word_order": 1234, "byte_swap": True})
    configuration, warnings = loaded(data)
    assert configuration.components[0].points[0].word_order == ()
    assert warnings == [f"{PLACE}.0.word_order: 1234 contradicts byte_swap true; it counts"]


@pytest.mark.parametrize(
    ("entry", "where", "text"),
    [
        ({"offset": None}, "offset", "expected a whole number, got null"),
        ({"offset": "7"}, "offset", 'expected a whole number, got "7"'),
        ({"offset": 65536}, "offset", "less than or equal to 65535"),
        ({"offset": 65535, "size": 2}, "offset", "addresses must be in 0 to 65535"),
        ({"size": 3}, "size", "must be 1, 2 or 4, got 3"),
        ({"size": True}, "size", "expected a whole number, got true"),
        ({"size": 126, "text": True}, "size", "must be 1 to 125 for a text, got 126"),
        ({"scale": "10"}, "scale", "expected a number"),
        ({"signed": 1}, "signed", "expected true or false"),
        ({"float": True}, "float", "needs size 2 or 4"),
        ({"float": True, "signed": True, "size": 2}, "float", "exclude each other"),
        ({"float": True, "size": 2, "number_of_bits": 8}, "float", "needs all bits"),
        ({"invert_mask": "15"}, "invert_mask", "must begin with 0x or 0b"),
        ({"invert_mask": "0xZ"}, "invert_mask", "not a hexadecimal"),
        ({"invert_mask": "0x10000"}, "invert_mask", "wider than a register of size 1"),
        ({"word_order": 4221, "size": 4}, "word_order", "expected the digits 1 to 4"),
        ({"word_order": True, "size": 4}, "word_order", "expected the digits 1 to 4"),
        ({"starting_bit_pos": 14, "number_of_bits": 3}, "number_of_bits", "there are only 16 bits"),
        ({"starting_bit_pos": 64}, "starting_bit_pos", "less than or equal to 63"),
        ({"starting_bit_pos": 16}, "number_of_bits", "there are only 16 bits"),
        ({"invalid": "FFFF"}, "invalid", "must begin with 0x or 0b"),
        ({"invalid": 65536}, "invalid", "expected values of 16 bits"),
        ({"invalid": [True]}, "invalid", "expected whole numbers"),
        ({"debounce": -1}, "debounce", "greater than or equal to 0"),
        ({"format": "dressed"}, "format", "expected naked, clothed or full"),
        ({"id": "a/b"}, "id", "must not contain '/'"),
        ({"id": ""}, "id", "1 to 255 characters"),
        ({"id": "x" * 250}, "", "255"),
        ({"enum": True}, "bit_strings", "at least one string"),
        ({"enum": True, "bit_strings": [None]}, "bit_strings", "at least one string"),
        ({"enum": True, "bit_field": True, "bit_strings": ["a"]}, "enum", "excludes bit_field"),
        ({"enum": True, "text": True, "bit_strings": ["a"]}, "text", "excludes enum"),
        ({"text": True, "scale": 2}, "text", "excludes signed, float, scale and shift"),
        ({"text": True, "byte_swap": True}, "text", "excludes invalid, parts of registers, byte_swap"),
        ({"bool": True, "scale": 2}, "bool", "excludes signed, float, scale and shift"),
        ({"enum": True, "scale": 10, "bit_strings": ["a"]}, "enum", "excludes signed, float, scale and shift"),
        ({"bit_field": True, "bit_strings": ["a", 7]}, "bit_strings.1", "expected a string"),
        ({"bit_field": True, "bit_strings": ["x"] * 17}, "bit_strings.16", "bit 16 is outside of 16 bits"),
        ({"enum": True, "bit_strings": ["x", {"value": 0, "string": "y"}]}, "bit_strings.1", "has a string already"),
        ({"enum": True, "bit_strings": [{"value": True, "string": "y"}]}, "bit_strings.0", "expected a number"),
        ({"individual_bits": True, "bit_strings": ["a/b"]}, "bit_strings", "must not contain '/'"),
        ({"individual_bits": True, "bit_strings": ["b", "b"]}, "bit_strings", "two bits have the same name"),
        ({"enum_field": True, "bit_strings": [{"begin_bit": 0}]}, "", "the parts of the register have no names"),
        ({"offset": 5, "id": "${N}"}, "", "nothing counts in '${N}'"),
    ],
)
def test_a_wrong_entry_is_left_out_and_named_with_its_place(entry: dict[str, Any], where: str, text: str) -> None:
    configuration, warnings = loaded(client_of(OK, {"id": "a", "offset": 1} | entry))
    assert [point.id for point in configuration.components[0].points] == ["ok"]
    (warning,) = warnings
    assert warning.startswith(f"{PLACE}.1.{where}: left out: " if where else f"{PLACE}.1: left out: ")
    assert text in warning


def test_a_string_that_cannot_be_says_which_register_is_not_read_for_it() -> None:
    _, (warning,) = loaded(client_of(OK, {"id": "alarms", "offset": 1, "bit_field": True, "bit_strings": ["x"] * 17}))
    assert warning.endswith("bit_strings.16: left out: bit 16 is outside of 16 bits, so 'alarms' is not read at all")


def test_missing_keys() -> None:
    _, warnings = loaded(client_of(OK, {}, 5))
    assert warnings == [
        f"{PLACE}.1.id: left out: missing",
        f"{PLACE}.1.offset: left out: missing",
        f"{PLACE}.2: left out: expected an object, got 5",
    ]


class TestPacked:
    def test_each_part_is_a_point_in_the_registers_of_the_whole(self) -> None:
        whole = {"id": "pack", "offset": 8, "size": 2, "byte_swap": True, "packed_register": True, "unit": "x"}
        parts = [
            {"id": "mode", "number_of_bits": 4, "enum": True, "bit_strings": ["a", "b"], "name": "Mode"},
            {"id": "level", "number_of_bits": 12, "starting_bit_pos": 4, "signed": True, "scale": 10},
            {"id": "flags", "number_of_bits": 2, "starting_bit_pos": 30, "individual_bits": True, "bit_strings": ["f"]},
        ]
        mode, level, flags = points_of(whole | {"bit_ranges": parts})
        assert {(point.offset, point.size, point.word_order) for point in (mode, level, flags)} == {(8, 2, (1, 0))}
        assert [(point.first_bit, point.width, point.kind) for point in (mode, level, flags)] == [
            (0, 4, Kind.ENUM),
            (4, 12, Kind.NUMBER),
            (30, 2, Kind.INDIVIDUAL_BITS),
        ]
        assert (mode.name, mode.unit, level.signed, level.scale) == ("Mode", "x", True, Fraction(10))
        assert flags.keys == ("f",)

    def test_what_cannot_be_a_part_is_left_out(self) -> None:
        parts = [
            {"id": "a", "number_of_bits": 4},
            {"id": "b"},
            5,
            {"id": "c", "number_of_bits": 17},
            {"id": "d", "number_of_bits": 4, "starting_bit_pos": 3},
        ]
        data = client_of({"id": "pack", "offset": 8, "packed_register": True, "bit_ranges": parts})
        configuration, warnings = loaded(data)
        # Parts that overlap are registers that overlap: both are read.
        assert [point.id for point in configuration.components[0].points] == ["a", "d"]
        assert [warning.split(": ")[0].removeprefix(f"{PLACE}.0.bit_ranges.") for warning in warnings] == [
            "4",
            "1.number_of_bits",
            "2",
            "3.number_of_bits",
        ]

    @pytest.mark.parametrize("ranges", [None, [], "x"])
    def test_without_parts_there_is_nothing(self, ranges: Any) -> None:
        data = client_of(OK, {"id": "pack", "offset": 8, "packed_register": True, "bit_ranges": ranges})
        assert loaded(data)[1] == [f"{PLACE}.1.bit_ranges: left out: expected a list of the parts of the register"]

    def test_enums_in_one_register_are_parts_of_it(self) -> None:
        strings = ["no", {"value": 2, "string": "maybe"}]
        parts = [
            {"id": "one", "begin_bit": 0, "end_bit": 1, "enum_strings": strings},
            {"id": "two", "begin_bit": 2, "end_bit": 3, "care_mask": "0x3", "enum_strings": strings},
            {"id": "three", "begin_bit": 4, "end_bit": 6, "ignore_mask": "0b100", "enum_strings": strings},
            {"id": "four", "begin_bit": 7, "end_bit": 9, "ignore_mask": "0b001", "enum_strings": strings},
            {"id": "five", "begin_bit": 9},
        ]
        data = client_of({"id": "all", "offset": 3, "individual_enums": True, "bit_strings": parts})
        configuration, warnings = loaded(data)
        points = configuration.components[0].points
        assert [(point.id, point.first_bit, point.width) for point in points] == [
            ("one", 0, 2),
            ("two", 2, 2),
            ("three", 4, 2),
        ]
        assert {(point.kind, point.offset, tuple(point.strings.items())) for point in points} == {
            (Kind.ENUM, 3, ((0, "no"), (2, "maybe")))
        }
        assert [warning.split(":")[0] for warning in warnings] == [
            f"{PLACE}.0.bit_strings.3",
            f"{PLACE}.0.bit_strings.4",
        ]


def test_parts_that_plain_entries_describe_do_not_overlap() -> None:
    low = {"id": "low", "offset": 3, "number_of_bits": 8}
    high = {"id": "high", "offset": 3, "starting_bit_pos": 8}
    assert len(points_of(low, high)) == 2
    assert "overlaps" in loaded(client_of(low, high | {"starting_bit_pos": 7}))[1][0]
    assert point_of({}, kind="Discrete Inputs").type is RegisterType.DISCRETE
