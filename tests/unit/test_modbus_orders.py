"""What a set means for the device."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.config.model import Component, Kind, Point, RegisterType
from modbus_bridge.values.orders import Catalogue, Write, joined
from tests.modbus_points import point

PLAIN = Point("plain", RegisterType.HOLDING, offset=0, device_id=1)
LONG = Point("long", RegisterType.HOLDING, offset=1, device_id=1, size=2, word_order=(1, 0))
POWER = Point("power", RegisterType.INPUT, offset=0, device_id=1)
ALARM = Point("alarm", RegisterType.DISCRETE, offset=0, device_id=1, kind=Kind.BOOL)
FLAGS = Point(
    "flags",
    RegisterType.HOLDING,
    offset=5,
    device_id=1,
    kind=Kind.INDIVIDUAL_BITS,
    invert_mask=0b10,
    strings={0: "ready", 1: "fault"},
)
MODE = point(id="mode", offset=6, bits=4, kind=Kind.ENUM, strings={0: "Stop", 2: "Run"}, multi_write=True)
LEVEL = point(id="level", offset=6, first_bit=4, bits=4, signed=True, debounce_s=0.5)
DOORS = point(id="doors", offset=6, first_bit=8, kind=Kind.INDIVIDUAL_BITS, strings={0: "left", 7: "right"})
LABEL = point(id="label", offset=10, size=2, kind=Kind.TEXT)
COIL = Point("coil", RegisterType.COIL, offset=0, device_id=1, kind=Kind.BOOL)
ALIAS = point(id="alias", offset=0)
CATALOGUE = Catalogue(
    Component("pcs", 1.0, 0.0, (PLAIN, LONG, POWER, ALARM, FLAGS, MODE, LEVEL, DOORS, LABEL, COIL, ALIAS))
)


def write(some: Point, words: tuple[int, ...]) -> Write:
    return Write(some, words, names=(some.id,))


def test_writes_come_in_the_order_of_the_body() -> None:
    assert CATALOGUE.writes((), {"long": 65538, "plain": {"value": 7}}) == [
        write(LONG, (2, 1)),
        write(PLAIN, (7,)),
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (("plain",), 7),
        (("plain",), {"value": 7}),
        (("plain",), {"value": 7, "name": "Plain", "unit": "kW"}),
        ((), {"plain": 7}),
        ((), {"plain": {"value": 7, "scale": 10}}),
    ],
)
def test_naked_clothed_and_full_bodies(path: tuple[str, ...], body: Any) -> None:
    assert CATALOGUE.writes(path, body) == [write(PLAIN, (7,))]


def test_bits_of_one_register_are_one_write() -> None:
    (found,) = CATALOGUE.writes((), {"ready": True, "fault": "false"})
    assert (found.words, found.names) == (None, ("ready", "fault"))
    # The second bit is inverted on the wire: cleared means 1; all others stay.
    assert (found.set_bits, found.clear_bits) == (3, 0)
    assert found.words_after([0xF000]) == (0xF003,)


def test_bits_may_be_set_under_the_name_of_their_register() -> None:
    assert CATALOGUE.writes((), {"flags": {"ready": True, "fault": {"value": False}}}) == CATALOGUE.writes(
        (), {"ready": True, "fault": False}
    )
    assert CATALOGUE.writes(("flags",), 1) == [write(FLAGS, (0b11,))]
    with pytest.raises(ValueError, match=r"^flags: redy: no bit of this register; did you mean ready\?$"):
        CATALOGUE.writes((), {"flags": {"redy": True}})
    with pytest.raises(ValueError, match="flags: ready: expected true, false"):
        CATALOGUE.writes((), {"flags": {"ready": 5}})
    with pytest.raises(ValueError, match="flags: expected an object"):
        CATALOGUE.writes((), {"flags": {}})


def test_a_register_and_its_bits_exclude_each_other_in_any_order() -> None:
    with pytest.raises(ValueError, match="ready: set together with its register flags"):
        CATALOGUE.writes((), {"flags": 1, "ready": True})
    with pytest.raises(ValueError, match="flags: set together with ready"):
        CATALOGUE.writes((), {"ready": True, "flags": 1})
    with pytest.raises(ValueError, match="left: set together with doors, which has the same bits"):
        CATALOGUE.writes((), {"doors": 1, "left": True})


def test_two_names_of_one_register_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="alias: set together with plain, which is in the same register"):
        CATALOGUE.writes((), {"plain": 1, "alias": 1})


def test_parts_of_one_register_are_one_write() -> None:
    (found,) = CATALOGUE.writes((), {"mode": "Run", "level": -1, "right": True})
    assert found.point is MODE
    assert found.names == ("mode", "level", "right")
    assert found.words_after([0x0105]) == (0x81F2,)
    assert (found.multi_write, found.debounce_s) == (True, 0.5)


def test_a_part_alone_leaves_the_others() -> None:
    (found,) = CATALOGUE.writes(("level",), 3)
    assert found.words_after([0xABCD]) == (0xAB3D,)
    (found,) = CATALOGUE.writes(("doors",), 0x7F)
    assert found.words_after([0xABCD]) == (0x7FCD,)


def test_texts_and_truth_values() -> None:
    assert CATALOGUE.writes(("label",), "AB") == [write(LABEL, (0x4142, 0))]
    for on in (True, 1, "true"):
        assert CATALOGUE.writes(("coil",), on) == [write(COIL, (1,))]


def test_every_wrong_assignment_is_named() -> None:
    wrong = {"power": 1, "alarm": 1, "plain": 1, "plian": 2, "long": "5", "mode": "Walk", "level": 8}
    with pytest.raises(ValueError, match="power") as refused:
        CATALOGUE.writes((), wrong)
    assert str(refused.value).split("; ") == [
        "power: read-only (input)",
        "alarm: read-only (discrete)",
        "plian: unknown register",
        "did you mean plain, alias?",
        'long: expected a number, got "5"',
        "mode: expected a number or one of 'Stop', 'Run', got \"Walk\"",
        "level: 8 does not fit",
        "expected -8 to 7",
    ]


def test_points_and_bits_have_names() -> None:
    assert CATALOGUE.names[:5] == ["plain", "long", "power", "alarm", "flags"]
    assert CATALOGUE.names[-4:] == ["ready", "fault", "left", "right"]
    assert CATALOGUE.bits_of("flags") == ("ready", "fault")
    assert CATALOGUE.point_of("ready") is FLAGS
    assert CATALOGUE.point_of("nothing") is None


def at(offset: int, *words: int, **changes: Any) -> Write:
    some = point(id=f"at_{offset}", offset=offset, size=len(words), **changes)
    return replace(write(some, words), multi_write=some.multi_write, debounce_s=some.debounce_s)


def places(writes: list[Write]) -> list[tuple[int, tuple[int, ...] | None]]:
    return [(request.point.offset, request.words) for request in writes]


class TestJoined:
    def test_neighbours_are_one_request_in_the_order_of_their_addresses(self) -> None:
        (found,) = joined([at(11, 2, 3), at(10, 1, multi_write=True), at(13, 4, debounce_s=0.2)])
        assert (found.point.id, found.words) == ("at_10", (1, 2, 3, 4))
        assert found.names == ("at_11", "at_10", "at_13")
        assert (found.multi_write, found.debounce_s, found.size, found.end) == (True, 0.2, 4, 14)

    def test_a_gap_separates(self) -> None:
        assert places(joined([at(10, 1), at(12, 2), at(13, 3)])) == [(10, (1,)), (12, (2, 3))]

    def test_none_overtakes_another(self) -> None:
        assert places(joined([at(10, 1), at(20, 2), at(11, 3)])) == [(10, (1,)), (20, (2,)), (11, (3,))]

    def test_the_middle_may_come_last(self) -> None:
        assert places(joined([at(10, 1), at(12, 3), at(11, 2)])) == [(10, (1, 2, 3))]

    def test_what_reads_first_stays_alone(self) -> None:
        part = Write(LEVEL, None, 0x50, 0xA0, names=("level",))
        assert joined([at(5, 1), part, at(7, 2)]) == [at(5, 1), part, at(7, 2)]

    def test_units_and_tables_stay_apart(self) -> None:
        coil = at(2, 1, type=RegisterType.COIL)
        other = at(1, 1, device_id=2)
        assert joined([at(0, 1), other, coil]) == [at(0, 1), other, coil]

    def test_coils_are_joined_too(self) -> None:
        assert places(joined([at(n, 1, type=RegisterType.COIL) for n in range(3)])) == [(0, (1, 1, 1))]

    def test_what_is_too_long_is_cut(self) -> None:
        assert [request.size for request in joined([at(n, 1) for n in range(130)])] == [123, 7]
        assert [request.size for request in joined([at(2 * n, 1, 2) for n in range(4)], max_registers=5)] == [4, 4]
        coils = [at(n, 1, type=RegisterType.COIL) for n in range(2000)]
        assert [request.size for request in joined(coils)] == [1968, 32]

    def test_overlaps_stay_apart(self) -> None:
        assert places(joined([at(10, 1, 2), at(11, 3), at(12, 4)])) == [(10, (1, 2)), (11, (3, 4))]

    @given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 3)), max_size=10), st.integers(3, 6))
    def test_registers_end_up_as_without(self, layout: list[tuple[int, int]], limit: int) -> None:
        writes = [at(offset, *(100 * n + word for word in range(size))) for n, (offset, size) in enumerate(layout)]
        requests = joined(writes, max_registers=limit)
        assert after(requests) == after(writes)
        assert all(request.size <= limit for request in requests)
        assert [name for request in requests for name in request.names] == [
            name for one in writes for name in one.names
        ]


def after(writes: list[Write]) -> dict[int, int]:
    registers: dict[int, int] = {}
    for one in writes:
        registers |= {one.point.offset + index: word for index, word in enumerate(one.words or ())}
    return registers
