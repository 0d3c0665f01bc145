"""How points are shown on the bus."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.config.model import Format, Kind, Point, RegisterType
from modbus_bridge.values import codec, views
from modbus_bridge.values.views import State
from tests.modbus_points import any_points, point, words_for

FLAGS = point(id="flags", kind=Kind.INDIVIDUAL_BITS, strings={0: "ready", 3: "fault"})


def test_naked_and_clothed() -> None:
    assert views.shown(point(), 5) == 5
    assert views.shown(point(format=Format.CLOTHED), 5) == {"value": 5}
    assert views.shown(point(format=Format.CLOTHED), None) == {"value": None}
    assert views.shown(point(format=Format.CLOTHED), 5, Format.NAKED) == 5


def test_full() -> None:
    some = point(id="power", name="Active power", unit="kW", offset=1005, size=2, scale=10, signed=True, word_swap=True)
    state = State(
        component="pcs_1", words=(0xFFFB, 0xFFFF), update_time="now", age_s=0.12345, is_forced=True, forced_value=1.5
    )
    found = views.shown(some, 1.5, Format.FULL, state)
    assert found == found | {
        "value": 1.5,
        "id": "power",
        "name": "Active power",
        "unit": "kW",
        "component": "pcs_1",
        "register_type": "holding",
        "offset": 1005,
        "size": 2,
        "scale": 10,
        "signed": True,
        "float": False,
        "number_of_bits": 32,
        "raw_val": 2**32 - 5,
        "raw_hex_val": "FFFFFFFB",
        "is_forced": True,
        "forced_val": 1.5,
        "enabled": True,
        "update_time": "now",
        "age_s": 0.123,
    }


def test_full_of_what_was_never_read() -> None:
    found = views.shown(point(scale=2.5), None, Format.FULL)
    assert (found["value"], found["raw_val"], found["raw_hex_val"], found["age_s"], found["scale"]) == (
        *[None] * 4,
        2.5,
    )


def test_individual_bits_are_entries_by_name() -> None:
    bits = codec.decode(FLAGS, [1])
    assert views.entries(FLAGS, bits) == {"ready": True, "fault": False}
    assert views.entries(FLAGS, bits, Format.CLOTHED) == {"ready": {"value": True}, "fault": {"value": False}}
    assert views.entries(FLAGS, None) == {"ready": None, "fault": None}
    assert views.entries(point(), 5, Format.CLOTHED) == {"p": {"value": 5}}


@pytest.mark.parametrize(
    ("changes", "words", "view"),
    [
        ({}, [5], {"value": 5, "binary": "0000000000000101", "hex": "0005"}),
        ({"scale": 10, "signed": True}, [0xFFFF], {"value": 65535, "binary": "1" * 16, "hex": "FFFF"}),
        (
            {"size": 2, "word_swap": True},
            [1, 0xAB],
            {"value": 0xAB0001, "binary": f"{0xAB0001:032b}", "hex": "00AB0001"},
        ),
        ({"first_bit": 4, "bits": 6}, [0x0010], {"value": 1, "binary": "000001", "hex": "01"}),
        ({"type": RegisterType.COIL, "kind": Kind.BOOL}, [1], {"value": 1, "binary": "1", "hex": "1"}),
    ],
)
def test_raw(changes: dict[str, Any], words: list[int], view: dict[str, Any]) -> None:
    assert views.raw_view(point(**changes), words) == view


def test_points_are_rows_of_what_is_not_usual() -> None:
    rows = views.points_view(
        [
            point(),
            point(
                id="power",
                type=RegisterType.INPUT,
                offset=7,
                size=4,
                unit="kW",
                scale=0.1,
                signed=True,
                word_order=(1, 0, 3, 2),
                invalid=frozenset({0xFFFF}),
            ),
            FLAGS,
        ]
    )
    assert rows[0] == {
        "id": "p",
        "type": "holding",
        "device_id": 1,
        "offset": 0,
        "size": 1,
        "kind": "number",
        "writable": True,
    }
    assert rows[1] == rows[1] | {
        "unit": "kW",
        "scale": 0.1,
        "signed": True,
        "word_order": "2143",
        "invalid": ["0xffff"],
        "writable": False,
    }
    assert rows[2]["strings"] == {"0": "ready", "3": "fault"}


@given(any_points(), st.data())
def test_every_view_fits_into_a_body(some: Point, data: st.DataObject) -> None:
    words = data.draw(words_for(some))
    value = codec.decode(some, words)
    for view in (
        *(views.entries(some, value, style, State(words=words)) for style in Format),
        views.shown(some, value, Format.FULL, State(words=words)),
        views.raw_view(some, words),
        views.points_view([some]),
    ):
        assert orjson.loads(orjson.dumps(view)) == json.loads(json.dumps(view)) == view
