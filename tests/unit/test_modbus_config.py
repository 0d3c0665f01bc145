"""The client's file: what it means as a whole, what is inherited, and what makes it unusable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import check_client, check_server, load_client
from modbus_bridge.config.model import Component, Format, Point, RegisterType, Tcp
from tests.unit.modbus_files import PLACE, client_of, component_of, loaded, point_of, points_of, problems, server_of


class TestWhole:
    def test_a_minimal_file(self, tmp_path: Path) -> None:
        file = tmp_path / "file.json"
        file.write_text(json.dumps(client_of({"id": "a", "offset": 1, "name": "A"})))
        configuration, warnings = load_client(file)
        assert configuration.connection.name == "pcs 1"
        assert configuration.connection.address == Tcp("127.0.0.1", 1502)
        assert configuration.connection.request_timeout_s == 1.0
        assert configuration.components == (
            Component("pcs", 0.2, 0.0, (Point("a", RegisterType.HOLDING, offset=1, device_id=255, name="A"),)),
        )
        assert warnings == []
        assert check_client(file) == []

    @pytest.mark.parametrize(
        ("spelling", "table"),
        [
            ("Holding", RegisterType.HOLDING),
            ("holding_registers", RegisterType.HOLDING),
            ("Input Registers", RegisterType.INPUT),
            ("Coil", RegisterType.COIL),
            ("Coils", RegisterType.COIL),
            ("Discrete_Input", RegisterType.DISCRETE),
            ("discrete inputs", RegisterType.DISCRETE),
        ],
    )
    def test_every_spelling_of_a_type(self, spelling: str, table: RegisterType) -> None:
        assert point_of({}, kind=spelling).type is table

    def test_the_nearest_of_the_inherited_values_counts(self) -> None:
        connection = {"device_id": 1, "off_by_one": True, "byte_swap": True, "frequency": 500}
        component = {"device_id": 2, "off_by_one": False, "frequency": None}
        inherited = point_of({"size": 2}, connection=connection)
        assert (inherited.device_id, inherited.offset, inherited.word_order) == (1, 0, (1, 0))
        overridden = point_of({"size": 2, "byte_swap": False}, connection=connection, component=component)
        assert (overridden.device_id, overridden.offset, overridden.word_order) == (2, 1, ())
        assert point_of({}, connection=connection, component=component, group={"device_id": 3}).device_id == 3
        data = client_of({"id": "a", "offset": 1}, connection=connection, component=component)
        assert component_of(data).period_s == 0.5

    def test_debounce_is_in_milliseconds_around_an_entry_and_in_seconds_in_it(self) -> None:
        assert point_of({}, connection={"debounce": 500}).debounce_s == 0.5
        assert point_of({}, connection={"debounce": 500}, component={"debounce": 250}).debounce_s == 0.25
        assert point_of({"debounce": 2}, component={"debounce": 250}).debounce_s == 2.0

    def test_how_it_is_written_and_shown_is_inherited(self) -> None:
        around = {"connection": {"multi_write_op_code": True, "format": "clothed"}}
        assert (point_of({}, **around).multi_write, point_of({}, **around).format) == (True, Format.CLOTHED)
        nearer = {"multi_write_op_code": False, "format": "full"}
        for where in ("component", "group"):
            point = point_of({}, **around, **{where: nearer})
            assert (point.multi_write, point.format) == (False, Format.FULL)
        assert point_of(nearer, **around).format is Format.FULL

    def test_when_and_how_a_component_is_published(self) -> None:
        component = {"publish": "on_change", "refresh": 2500, "offset_time": 30, "add_timings": True}
        made = component_of(client_of({"id": "a", "offset": 0}, component=component))
        assert (made.on_change, made.refresh_s, made.phase_s, made.add_timings) == (True, 2.5, 0.03, True)
        connection = {"publish": "on_change", "refresh": 3000}
        made = component_of(client_of({"id": "a", "offset": 0}, connection=connection))
        assert (made.on_change, made.refresh_s) == (True, 3.0)
        component = {"publish": "always"}
        made = component_of(client_of({"id": "a", "offset": 0}, connection=connection, component=component))
        assert not made.on_change

    def test_offset_on_a_component_is_taken_for_offset_time(self) -> None:
        configuration, warnings = loaded(client_of({"id": "a", "offset": 0}, component={"offset": 300}))
        assert configuration.components[0].phase_s == 0.3
        assert warnings == ["components.0.offset: taken for offset_time"]
        both = {"offset": 300, "offset_time": 20}
        configuration, warnings = loaded(client_of({"id": "a", "offset": 0}, component=both))
        assert configuration.components[0].phase_s == 0.02
        assert warnings == ["components.0.offset: not used: there is an offset_time"]

    def test_the_same_offset_in_another_table_or_group_is_no_overlap(self) -> None:
        data = client_of({"id": "a", "offset": 1})
        data["components"][0]["registers"] += [
            {"type": "Input", "map": [{"id": "b", "offset": 1}]},
            {"type": "Holding", "map": [{"id": "c", "offset": 1}]},
        ]
        assert len(component_of(data).points) == 3

    def test_registers_that_overlap_in_a_group_are_both_read(self) -> None:
        data = client_of({"id": "a", "offset": 1, "size": 2}, {"id": "b", "offset": 2})
        configuration, warnings = loaded(data)
        assert [point.id for point in configuration.components[0].points] == ["a", "b"]
        assert warnings == [f"{PLACE}.1: 'b' (offset 2, size 1) overlaps with 'a' (offset 1, size 2)"]


class TestOldest:
    """Format C0: a head called ``system``, and groups without a component."""

    DATA: dict[str, Any] = {  # noqa: RUF012
        "fileInfo": {},
        "system": {"id": "meter", "ip_address": "10.0.0.1", "off_by_one": True, "byte_swap": True, "device_id": 3},
        "registers": [{"type": "Input Registers", "map": [{"id": "v", "offset": 5, "size": 2}]}],
    }

    def test_it_is_one_component_with_the_name_of_the_device(self) -> None:
        configuration, warnings = loaded(self.DATA)
        assert warnings == []
        assert (configuration.connection.name, str(configuration.connection.address)) == ("meter", "10.0.0.1:502")
        (component,) = configuration.components
        assert (component.id, component.period_s) == ("meter", 1.0)
        assert component.points == (Point("v", RegisterType.INPUT, 4, 3, size=2, word_order=(1, 0)),)

    def test_its_frequency_is_in_the_head(self) -> None:
        data = self.DATA | {"system": self.DATA["system"] | {"frequency": 500, "name": "Meter / 100 %"}}
        assert component_of(data).period_s == 0.5
        assert problems(self.DATA, strict=True) == ["system.frequency: missing"]

    def test_problems_have_their_place(self) -> None:
        data = self.DATA | {"registers": [{"type": "Input", "map": [{"id": "v", "offset": -1}]}, {"type": "Foo"}]}
        assert [problem.split(":")[0] for problem in problems(data)][:3] == [
            "registers.0.map.0.offset",
            "registers.1.map",
            "none of its registers can be used",
        ]

    def test_a_dnp3_file_is_named_as_such(self) -> None:
        by_type = self.DATA | {"registers": [{"type": "AnOPInt16", "map": [{"id": "v", "offset": 1}]}]}
        by_head = self.DATA | {"system": self.DATA["system"] | {"protocol": "DNP3"}}
        for data in (by_type, by_head):
            assert problems(data) == ["this is a DNP3 file; only Modbus is spoken here"]


class TestUnusable:
    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ([], "expected an object"),
            ({"connection": {}}, 'expected an object with "connection"'),
            (server_of(coils=[]), "this is a server's file"),
            ({"system": {}, "registers": [{"device_id": 1, "coils": []}]}, "this is a server's file"),
            (client_of({"id": "a", "offset": 0}, connection={"ip_address": None}), "connection.ip_address: missing"),
            (client_of({"id": "a", "offset": 0}, connection={"ip_address": ""}), "connection.ip_address: missing"),
            (client_of({"id": "a", "offset": 0}, connection={"off_by_one": True}), "got -1"),
            (client_of({"id": "a", "offset": 0}, connection={"off_by_one": 1}), "connection.off_by_one: expected true"),
            (client_of({"id": "a", "offset": 0}, component={"frequency": 0}), "greater than 0"),
            (
                client_of({"id": "a", "offset": 0}, component={"frequency": 1e-300}),
                "at least 0.01 ms, got 1e-300",
            ),
            (client_of({"id": "a", "offset": 0}, component={"frequency": 2**70}), "this number is too large"),
            (client_of({"id": "a", "offset": 0}, component={"frequency": 2**40}), "components.0.frequency: "),
            (client_of({"id": "a", "offset": 0}, component={"offset_time": 2**40}), "components.0.offset_time: "),
            (client_of({"id": "a", "offset": 0, "size": 2}, kind="Coil"), "must be 1 in coils"),
            (client_of(), "map: list should have at least 1 item"),
            (client_of({"id": "a", "offset": 0, "note": ((),)}), "tuple is not a value of JSON"),
            (client_of({"id": "a", "offset": 0, 5: 1}), "keys that are no texts"),
        ],
    )
    def test_files_that_cannot_be_used(self, data: Any, text: str) -> None:
        assert text in problems(data)[0]

    def test_a_blank_to_fill_in_is_named(self) -> None:
        data = client_of({"id": "a", "offset": 0}, connection={"ip_address": "{{IP_ADDRESS}}"})
        assert "connection.ip_address: this is a template: fill in {{IP_ADDRESS}}" in problems(data)

    def test_a_file_that_is_too_deep_is_refused(self) -> None:
        deep: Any = 1
        for _ in range(50_000):
            deep = [deep]
        assert "deeper than 32 levels" in problems(client_of({"id": "a", "offset": 0, "note": deep}))[0]

    def test_every_problem_of_a_file_is_found(self) -> None:
        data = client_of({"id": "a", "offset": 1, "size": 3}, {"id": "b", "offset": 2}, connection={"port": 70000})
        data["components"] += [data["components"][0] | {"registers": [{"type": "Foo", "map": [{}]}]}, {"id": "x"}]
        assert [problem.split(":")[0] for problem in problems(data)] == [
            "connection.port",
            f"{PLACE}.0.size",
            "components.1.registers.0.type",
            "components.1",
            "components.2.registers",
        ]
        with pytest.raises(ConfigurationError, match=r"connection\.port.*\(and 4 more\)"):
            loaded(data)

    def test_what_is_no_json_is_one_problem(self, tmp_path: Path) -> None:
        file = tmp_path / "file.json"
        file.write_text("{,")
        for check in (check_client, check_server):
            with pytest.raises(ConfigurationError, match="line 1 column 2: not JSON"):
                check(file)


class TestWarnings:
    def test_many_harmless_keys_are_few_lines(self) -> None:
        entries = [{"id": f"p{n}", "offset": n, "foo": 1, "web_ui_options": 5, "xscale": 3} for n in range(99)]
        component = {"dbi_save_frequency_seconds": 5, "XXheartbeat_enabled": True, "watchdog_enabled": False}
        _, warnings = loaded(client_of(*entries, component=component))
        assert warnings == ["not honoured: dbi_save_frequency_seconds", "unknown keys ignored: foo (99)"]

    def test_a_type_in_an_entry_means_nothing_but_string(self) -> None:
        assert loaded(client_of({"id": "a", "offset": 0, "type": "float"}))[1] == ["unknown keys ignored: type"]

    def test_keys_of_the_whole_file_that_mean_nothing_are_named(self) -> None:
        data = client_of({"id": "a", "offset": 0}) | {"conection": 1, "xold": 2, "note": "x"}
        assert loaded(data)[1] == ["unknown keys ignored: conection"]

    def test_a_disabled_component_and_one_with_nothing_usable(self) -> None:
        data = client_of({"id": "a", "offset": 0}, {"xid": "off", "offset": 5})
        group = {"type": "Holding", "map": [{"id": "b", "offset": 1, "size": 3}]}
        data["components"] += [{"xxid": "off"}, data["components"][0] | {"id": "empty", "registers": [group]}]
        configuration, warnings = loaded(data)
        assert [component.id for component in configuration.components] == ["pcs"]
        assert f"{PLACE}.1: left out: its id is disabled" in warnings
        assert "components.1: left out: its id is disabled" in warnings
        assert "components.2: left out: none of its registers can be used" in warnings

    def test_of_two_with_the_same_name_the_first_one_is_used(self) -> None:
        bits = {"id": "flags", "offset": 1, "individual_bits": True, "bit_strings": ["a", "b"]}
        data = client_of({"id": "a", "offset": 0}, bits, {"id": "a", "offset": 7})
        data["components"].append(data["components"][0] | {"frequency": 5})
        configuration, warnings = loaded(data)
        assert [component.period_s for component in configuration.components] == [0.2]
        assert [point.id for point in configuration.components[0].points] == ["a"]
        assert warnings[:2] == [
            f"{PLACE}.1: left out: 'a' is used already at {PLACE}.0",
            f"{PLACE}.2: left out: 'a' is used already at {PLACE}.0",
        ]
        assert warnings[-1] == "components.1: left out: there is a component 'pcs' already"

    def test_a_register_may_be_named_as_one_of_its_bits(self) -> None:
        bits = {"id": "a", "offset": 1, "individual_bits": True, "bit_strings": ["a", "b"]}
        assert points_of(bits)[0].keys == ("a", "b")

    def test_defaults_that_replace_something_are_named(self) -> None:
        data = client_of({"id": "a", "offset": 0}, component={"frequency": None}, connection={"name": None})
        configuration, warnings = loaded(data)
        assert configuration.components[0].period_s == 1.0
        assert configuration.connection.name == "modbus_client"
        assert warnings == [
            "connection.name: missing, using 'modbus_client'",
            "components.0: no frequency in 'pcs' nor in connection, using 1000 ms",
        ]
