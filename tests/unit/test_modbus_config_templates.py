"""Entries that stand for many: `repeat`, and the ranges of the original."""

from __future__ import annotations

from typing import Any

import pytest

from modbus_bridge.config import templates
from tests.unit.modbus_files import PLACE, client_of, component_of, loaded, points_of, problems, served, server_of


def addresses(points: Any) -> list[tuple[str, int]]:
    return [(point.id, point.offset) for point in points]


class TestEntries:
    def test_an_entry_is_repeated_and_steps_by_its_size(self) -> None:
        entry = {"id": "cluster_${CLUS}_v", "name": "Voltage ${CLUS}", "offset": 2200, "size": 2, "repeat": 3}
        points = points_of(entry)
        assert addresses(points) == [("cluster_1_v", 2200), ("cluster_2_v", 2202), ("cluster_3_v", 2204)]
        assert [point.name for point in points] == ["Voltage 1", "Voltage 2", "Voltage 3"]

    def test_the_step_and_the_first_number_can_be_said(self) -> None:
        entry = {"id": "a${N}", "offset": 10, "repeat": 2, "step": 100, "first": 0}
        assert addresses(points_of(entry)) == [("a0", 10), ("a1", 110)]
        assert addresses(points_of(entry | {"step": -5})) == [("a0", 10), ("a1", 5)]

    def test_the_names_of_bits_are_filled_in(self) -> None:
        entry = {"id": "r${N}", "offset": 0, "individual_bits": True, "bit_strings": ["f${N}", None], "repeat": 2}
        assert [point.keys for point in points_of(entry)] == [("f1",), ("f2",)]

    def test_several_counters_the_last_is_the_fastest(self) -> None:
        entry = {
            "id": "r${RACK}_c${CELL}",
            "offset": 0,
            "repeat": {"RACK": 2, "CELL": 3},
            "step": {"RACK": 1024, "CELL": 1},
            "first": {"CELL": 0},
        }
        assert addresses(points_of(entry)) == [
            ("r1_c0", 0),
            ("r1_c1", 1),
            ("r1_c2", 2),
            ("r2_c0", 1024),
            ("r2_c1", 1025),
            ("r2_c2", 1026),
        ]

    def test_without_steps_several_counters_fill_one_block(self) -> None:
        entry = {"id": "r${RACK}_c${CELL}", "offset": 0, "size": 2, "repeat": {"RACK": 2, "CELL": 2}}
        assert [point.offset for point in points_of(entry)] == [0, 2, 4, 6]

    def test_a_packed_register_is_repeated_with_its_parts(self) -> None:
        parts = [{"id": "lo${N}", "number_of_bits": 8}]
        entry = {"id": "p${N}", "offset": 4, "packed_register": True, "bit_ranges": parts, "repeat": 2}
        assert addresses(points_of(entry)) == [("lo1", 4), ("lo2", 5)]

    def test_a_server_has_them_too(self) -> None:
        entry = {"id": "v", "uri": "/components/rack_${N}", "offset": 5, "repeat": 2, "step": 10}
        (unit,) = served(server_of(input_registers=[entry]))[0].units
        assert [(found.uri, found.point.offset) for found in unit.points] == [
            ("/components/rack_1", 5),
            ("/components/rack_2", 15),
        ]


class TestAround:
    def test_groups_step_by_nothing_unless_they_say_so(self) -> None:
        entry = {"id": "v${RACK}", "offset": 7}
        group = {"repeat": {"RACK": 2}, "step": {"RACK": 100}}
        assert addresses(points_of(entry, group=group)) == [("v1", 7), ("v2", 107)]
        assert addresses(points_of(entry, group={"repeat": 1})) == [("v1", 7)]

    def test_racks_and_cells_nest(self) -> None:
        entry = {"id": "r${RACK}_cell_${CELL}", "offset": 1152, "repeat": {"CELL": 2}}
        component = {
            "id": "rack_${RACK}",
            "repeat": {"RACK": 2},
            "step": {"RACK": 1024},
            "registers": [
                {"type": "Input", "map": [entry]},
                {"type": "Input", "map": [{"id": "soc_${RACK}_${N}", "offset": 1, "repeat": 1}]},
            ],
        }
        configuration, warnings = loaded(client_of(component=component))
        assert warnings == []
        assert [(component.id, addresses(component.points)) for component in configuration.components] == [
            ("rack_1", [("r1_cell_1", 1152), ("r1_cell_2", 1153), ("soc_1_1", 1)]),
            ("rack_2", [("r2_cell_1", 2176), ("r2_cell_2", 2177), ("soc_2_1", 1025)]),
        ]

    def test_with_a_template_inside_counters_need_names(self) -> None:
        entry = {"id": "v${CELL}", "offset": 7, "repeat": 2}
        assert 'counters need names, such as {"RACK": 9}' in problems(client_of(entry, group={"repeat": 2}))[0]


class TestMistakes:
    @pytest.mark.parametrize(
        ("template", "where", "text"),
        [
            ({"repeat": 0}, "repeat", "expected a number from 1"),
            ({"repeat": True}, "repeat", "expected a number from 1"),
            ({"repeat": "3"}, "repeat", "expected a number from 1"),
            ({"repeat": {}}, "repeat", "at least one counter"),
            ({"repeat": {"N": -1}}, "repeat.N", "expected a number from 1"),
            ({"repeat": {"N": 2}, "step": 5}, "step", "expected an object with the counters"),
            ({"repeat": {"N": 2}, "step": {"M": 5}}, "step", "'M' is no counter"),
            ({"repeat": {"N": 2}, "first": {"M": 5}}, "first", "'M' is no counter"),
            ({"repeat": 2, "step": 1.5}, "step", "expected a whole number"),
            ({"repeat": 2, "first": "1"}, "first", "expected a whole number"),
        ],
    )
    def test_a_template_that_cannot_be_understood(self, template: Any, where: str, text: str) -> None:
        _, warnings = loaded(client_of({"id": "ok", "offset": 0}, {"id": "a${N}", "offset": 1} | template))
        (warning,) = warnings
        assert warning.startswith(f"{PLACE}.1.{where}: left out: ")
        assert text in warning

    def test_a_message_has_the_place_of_the_template_and_the_id_of_the_copy(self) -> None:
        _, warnings = loaded(client_of({"id": "a${N}", "offset": 65533, "repeat": 3, "step": 2}))
        assert warnings == [
            f"{PLACE}.0.offset: left out: 'a3': with size 1, addresses must be in 0 to 65535, got 65537"
        ]

    def test_a_counter_that_nothing_counts_is_named(self) -> None:
        _, warnings = loaded(client_of({"id": "ok", "offset": 0}, {"id": "a${M}", "offset": 1, "repeat": {"N": 1}}))
        assert warnings == [
            f"{PLACE}.1: left out: 'a${{M}}': nothing counts in '${{M}}'; expected a repeat with this counter"
        ]

    @pytest.mark.parametrize(
        "repeat", [{"repeat": 2000}, {"repeat": dict.fromkeys("ABCDEFGH", 1000)}, {"repeat": {"A": 317, "B": 317}}]
    )
    def test_too_many_are_refused_before_they_take_the_memory(self, repeat: Any, monkeypatch: Any) -> None:
        monkeypatch.setattr(templates, "MAX_COPIES", 2000)
        (problem,) = problems(client_of({"id": "a", "offset": 1, "step": {}} | repeat | {"step": None}))
        assert problem == f"{PLACE}.0: this makes more entries than 2,000, the most in one file"


class TestRanges:
    def test_one_address_is_filled_in(self) -> None:
        connection = {
            "name": "n_##ip##",
            "ip_address": "10.0.0.##ip##",
            "ip_range": {"begin": 7, "end": 7, "replace": "##ip##"},
        }
        data = client_of({"id": "v", "offset": 1}, connection=connection, component={"id": "c_##ip##"})
        configuration, warnings = loaded(data)
        assert warnings == []
        assert str(configuration.connection.address) == "10.0.0.7:1502"
        assert (configuration.connection.name, configuration.components[0].id) == ("n_7", "c_7")

    def test_several_addresses_are_several_processes(self) -> None:
        connection = {"ip_range": {"begin": 7, "end": 9, "replace": "##ip##"}}
        (problem,) = problems(client_of({"id": "v", "offset": 1}, connection=connection))
        assert problem.startswith("connection.ip_range: 3 addresses: a process has one device")

    def test_components_for_several_units(self) -> None:
        component = {"id": "c_#", "device_id_range": {"begin": 3, "end": 5, "step": 2, "replace": "#"}, "device_id": 9}
        configuration, _ = loaded(client_of({"id": "v#", "offset": 1}, component=component))
        assert [(found.id, found.points[0].id, found.points[0].device_id) for found in configuration.components] == [
            ("c_3", "v3", 3),
            ("c_5", "v5", 5),
        ]

    def test_offsets_of_components_and_groups_step(self) -> None:
        component = {"id": "c_#C", "component_offset_range": {"begin": 1, "end": 2, "step": 100, "replace": "#C"}}
        group = {"decode_offset_range": {"begin": 4, "end": 5, "step": 10, "replace": "#D"}}
        configuration, warnings = loaded(client_of({"id": "v#D", "offset": 7}, component=component, group=group))
        assert warnings == []
        assert [(found.id, addresses(found.points)) for found in configuration.components] == [
            ("c_1", [("v4", 7), ("v5", 17)]),
            ("c_2", [("v4", 107), ("v5", 117)]),
        ]

    @pytest.mark.parametrize(
        ("values", "where"),
        [
            (5, "device_id_range"),
            ({"begin": 1}, "device_id_range"),
            ({"begin": 2, "end": 1, "replace": "#"}, "device_id_range"),
            ({"begin": 1, "end": 2, "replace": ""}, "device_id_range"),
            ({"begin": 1, "end": 2, "step": 0, "replace": "#"}, "device_id_range.step"),
            ({"begin": 1, "end": 256, "replace": "#"}, "device_id_range.end"),
        ],
    )
    def test_ranges_that_cannot_be_understood(self, values: Any, where: str) -> None:
        found = problems(client_of({"id": "v", "offset": 1}, component={"device_id_range": values}))
        assert found[0].startswith(f"components.0.{where}: expected ")
        (problem,) = problems(client_of({"id": "v", "offset": 1}, connection={"ip_range": {"begin": 5}}))
        assert problem.startswith("connection.ip_range: expected an object with begin, end and replace")


def test_a_component_of_many_cells_is_quick_to_write() -> None:
    component = component_of(client_of({"id": "c${N}", "offset": 0, "repeat": 2000, "scale": 1000, "unit": "V"}))
    assert len(component.points) == 2000
