"""Configuration files: what they mean, and what is said when they are wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import check_client, check_server, load_client, load_server
from modbus_bridge.config.model import (
    ClientConfiguration,
    Component,
    Kind,
    Point,
    RegisterType,
    ServerConfiguration,
    Tcp,
)

SHARED = Path(__file__).parents[3] / "shared" / "data" / "modbus"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def client_of(
    *entries: Any, connection: Any = None, component: Any = None, group: Any = None, kind: str = "Holding Registers"
) -> dict[str, Any]:
    return {
        "connection": {"name": "pcs 1", "ip_address": "127.0.0.1", "port": 1502} | (connection or {}),
        "components": [
            {
                "id": "pcs",
                "frequency": 200,
                "registers": [{"type": kind, "map": list(entries)} | (group or {})],
            }
            | (component or {})
        ],
    }


def loaded(file: Path, data: Any) -> tuple[ClientConfiguration, list[str]]:
    file.write_text(json.dumps(data))
    configuration, warnings = load_client(file)
    return configuration, [str(warning) for warning in warnings]


def point_of(file: Path, entry: dict[str, Any], **around: Any) -> Point:
    configuration, warnings = loaded(file, client_of({"id": "a", "offset": 1} | entry, **around))
    assert not warnings
    return configuration.components[0].points[0]


def problems(file: Path, data: Any) -> list[str]:
    file.write_text(json.dumps(data))
    with pytest.raises(ConfigurationError) as caught:
        load_client(file)
    return [str(problem) for problem in caught.value.problems]


class TestClient:
    def test_keys_of_the_whole_file_that_mean_nothing_are_named(self, tmp_path):
        path = tmp_path / "c.json"
        registers = [{"type": "Holding", "map": [{"id": "a", "offset": 0}]}]
        component = {"id": "pcs", "frequency": 100, "registers": registers}
        file = {"connection": {"name": "n", "ip_address": "h"}, "components": [component], "conection": 1, "xold": 2}
        path.write_text(json.dumps(file))
        assert [str(warning) for warning in load_client(path)[1]] == ["unknown keys ignored: conection"]

    @pytest.mark.parametrize("key", ["frequency", "offset_time"])
    def test_a_period_beyond_a_day_is_a_mistake(self, tmp_path, key):
        path = tmp_path / "c.json"
        registers = [{"type": "Holding", "map": [{"id": "a", "offset": 0}]}]
        component = {"id": "pcs", "frequency": 100, "registers": registers, key: 2**70}
        path.write_text(json.dumps({"connection": {"name": "n", "ip_address": "h"}, "components": [component]}))
        with pytest.raises(ConfigurationError, match=f"components.0.{key}: "):
            load_client(path)

    def test_a_minimal_file(self, file: Path) -> None:
        configuration, warnings = loaded(file, client_of({"id": "a", "offset": 1, "name": "A"}))
        assert configuration.connection.name == "pcs 1"
        assert configuration.connection.address == Tcp("127.0.0.1", 1502)
        assert configuration.connection.request_timeout_s == 1.0
        assert configuration.components == (
            Component("pcs", 0.2, 0.0, (Point("a", RegisterType.HOLDING, offset=1, device_id=255),)),
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
    def test_every_spelling_of_a_type(self, file: Path, spelling: str, table: RegisterType) -> None:
        assert point_of(file, {}, kind=spelling).type is table

    def test_the_nearest_of_the_inherited_values_counts(self, file: Path) -> None:
        connection = {"device_id": 1, "off_by_one": True, "byte_swap": True, "frequency": 500}
        component = {"device_id": 2, "off_by_one": False, "frequency": None}
        inherited = point_of(file, {"size": 2}, connection=connection)
        assert (inherited.device_id, inherited.offset, inherited.word_order) == (1, 0, (1, 0))
        overridden = point_of(file, {"size": 2, "byte_swap": False}, connection=connection, component=component)
        assert (overridden.device_id, overridden.offset, overridden.word_order) == (2, 1, ())
        assert point_of(file, {}, connection=connection, component=component, group={"device_id": 3}).device_id == 3
        configuration, _ = loaded(file, client_of({"id": "a", "offset": 1}, connection=connection, component=component))
        assert configuration.components[0].period_s == 0.5

    @pytest.mark.parametrize(
        ("entry", "attributes"),
        [
            ({"size": 2, "signed": True}, {"size": 2, "signed": True}),
            ({"size": 2, "float": True}, {"is_float": True}),
            ({"scale": 10}, {"scale": Fraction(10)}),
            ({"scale": 0.1}, {"scale": Fraction(1, 10)}),
            ({"scale": 1.0}, {"scale": None}),
            ({"scale": 0}, {"scale": None}),
            ({"shift": -40}, {"shift": -40}),
            ({"invert_mask": "0xF"}, {"invert_mask": 15}),
            ({"invert_mask": "0b11"}, {"invert_mask": 3}),
            ({"bit_field": False, "bit_strings": ["a"]}, {"kind": Kind.NUMBER}),
            ({"bit_field": True, "bit_strings": ["a", None, "c c"]}, {"strings": {0: "a", 2: "c c"}}),
            ({"individual_bits": True, "bit_strings": ["a1", None, "c"]}, {"strings": {0: "a1", 2: "c"}}),
            (
                {"enum": True, "bit_strings": ["a", {"value": 5, "string": "b"}, "c", None, {"IGNORE": 2}, "d"]},
                {"kind": Kind.ENUM, "strings": {0: "a", 5: "b", 6: "c", 10: "d"}},
            ),
            ({"random_enum": True, "bit_strings": [{"value": -1, "string": "x"}]}, {"strings": {-1: "x"}}),
        ],
    )
    def test_what_an_entry_means(self, file: Path, entry: dict[str, Any], attributes: dict[str, Any]) -> None:
        point = point_of(file, entry)
        assert {name: getattr(point, name) for name in attributes} == attributes

    @pytest.mark.parametrize(
        ("entry", "where", "text"),
        [
            ({"offset": None}, "offset", "expected a whole number, got null"),
            ({"offset": "7"}, "offset", 'expected a whole number, got "7"'),
            ({"offset": 65536}, "offset", "less than or equal to 65535"),
            ({"offset": 65535, "size": 2}, "offset", "addresses must be in 0 to 65535"),
            ({"size": 3}, "size", "must be 1, 2 or 4, got 3"),
            ({"size": True}, "size", "expected a whole number, got true"),
            ({"scale": "10"}, "scale", "expected a number"),
            ({"signed": 1}, "signed", "expected true or false"),
            ({"float": True}, "float", "needs size 2 or 4"),
            ({"float": True, "signed": True, "size": 2}, "float", "exclude each other"),
            ({"invert_mask": "15"}, "invert_mask", "must begin with 0x or 0b"),
            ({"invert_mask": "0xZ"}, "invert_mask", "not a hexadecimal"),
            ({"invert_mask": "0x10000"}, "invert_mask", "wider than a register of size 1"),
            ({"id": "a/b"}, "id", "must not contain '/'"),
            ({"id": ""}, "id", "1 to 255 characters"),
            ({"id": "{{X}}"}, "id", "must not contain '{'"),
            ({"enum": True}, "bit_strings", "at least one string"),
            ({"enum": True, "bit_field": True, "bit_strings": ["a"]}, "enum", "excludes bit_field"),
            ({"enum": True, "scale": 10, "bit_strings": ["a"]}, "enum", "excludes signed, float, scale and shift"),
            ({"bit_field": True, "bit_strings": ["a", 7]}, "bit_strings.1", "expected a string"),
            ({"bit_field": True, "bit_strings": ["x"] * 17}, "bit_strings.16", "outside of a register"),
            (
                {"enum": True, "bit_strings": ["x", {"value": 0, "string": "y"}]},
                "bit_strings.1",
                "has a string already",
            ),
            ({"individual_bits": True, "bit_strings": ["a/b"]}, "bit_strings", "must not contain '/'"),
        ],
    )
    def test_a_wrong_entry_is_named_with_its_place(
        self, file: Path, entry: dict[str, Any], where: str, text: str
    ) -> None:
        (problem,) = problems(file, client_of({"id": "ok", "offset": 0}, {"id": "a", "offset": 1} | entry))
        assert problem.startswith(f"components.0.registers.0.map.1.{where}: ")
        assert text in problem

    def test_missing_keys(self, file: Path) -> None:
        assert problems(file, client_of({}, 5)) == [
            "components.0.registers.0.map.0.id: missing",
            "components.0.registers.0.map.0.offset: missing",
            "components.0.registers.0.map.1: expected an object, got 5",
        ]

    def test_every_problem_of_a_file_is_found(self, file: Path) -> None:
        data = client_of(
            {"id": "a", "offset": 1, "size": 2},
            {"id": "a", "offset": 9},
            {"id": "b", "offset": 2},
            connection={"port": 70000},
        )
        data["components"] += [data["components"][0] | {"registers": [{"type": "Foo", "map": [{}]}]}, {"id": "x"}]
        found = problems(file, data)
        assert [problem.split(":")[0] for problem in found] == [
            "connection.port",
            "components.0.registers.0.map.2",
            "components.0.registers.0.map.1",
            "components.1.registers.0.type",
            "components.2.registers",
        ]
        with pytest.raises(ConfigurationError, match=r"connection\.port.*\(and 4 more\)"):
            load_client(file)

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ([], "expected an object"),
            ({"system": {}, "registers": []}, 'expected an object with "connection"'),
            (client_of({"id": "a", "offset": 0}, connection={"ip_address": None}), "connection.ip_address: missing"),
            (
                client_of({"id": "a", "offset": 0}, connection={"ip_address": None, "serial_device": "/dev/ttyS0"}),
                "serial lines are not supported yet",
            ),
            (client_of({"id": "a", "offset": 0}, connection={"ip_address": "{{IP}}"}), "must not contain '{'"),
            (client_of({"id": "a", "offset": 0}, connection={"off_by_one": True}), "got -1"),
            (client_of({"id": "a", "offset": 0}, component={"frequency": 0}), "greater than 0"),
            (client_of({"id": "a", "offset": 0, "size": 2}, kind="Coil"), "must be 1 in coils"),
            (client_of(), "map: list should have at least 1 item"),
        ],
    )
    def test_files_that_cannot_be_used(self, file: Path, data: Any, text: str) -> None:
        assert text in problems(file, data)[0]

    def test_the_same_name_twice_is_refused_also_among_bits(self, file: Path) -> None:
        bits = {"id": "flags", "offset": 1, "individual_bits": True, "bit_strings": ["a", "b", "b"]}
        found = problems(file, client_of({"id": "a", "offset": 0}, bits))
        assert found == [
            "components.0.registers.0.map.1: 'a' is used already at components.0.registers.0.map.0",
            "components.0.registers.0.map.1: two bits of 'flags' have the same name",
        ]
        data = client_of({"id": "a", "offset": 0})
        data["components"] *= 2
        assert "two components have the id 'pcs'" in problems(file, data)[0]

    def test_the_same_offset_in_another_table_is_no_overlap(self, file: Path) -> None:
        data = client_of({"id": "a", "offset": 1})
        data["components"][0]["registers"].append({"type": "Input", "map": [{"id": "b", "offset": 1}]})
        assert len(loaded(file, data)[0].components[0].points) == 2


class TestClientWarnings:
    def test_many_harmless_keys_are_few_lines(self, file: Path) -> None:
        entries = [{"id": f"p{n}", "offset": n, "foo": 1, "debounce": 5, "units": "V", "xscale": 3} for n in range(99)]
        component = {"heartbeat_enabled": True, "XXheartbeat_enabled": True, "watchdog_enabled": False}
        _, warnings = loaded(file, client_of(*entries, component=component))
        assert warnings == [
            "not honoured yet: debounce (99), heartbeat_enabled",
            "unknown keys ignored: foo (99)",
        ]

    def test_what_would_give_a_wrong_value_is_left_out(self, file: Path) -> None:
        configuration, warnings = loaded(
            file,
            client_of(
                {"id": "a", "offset": 0},
                {"id": "packed", "offset": 1, "packed_register": True},
                {"id": "part", "offset": 2, "number_of_bits": 3},
                {"id": "part2", "offset": 3, "starting_bit_pos": 3},
                {"id": "${N}", "offset": 4, "repeat": 3},
                {"xid": "off", "offset": 5},
                {"id": "long", "offset": 6, "size": 4, "word_order": 4321},
            ),
        )
        assert [point.id for point in configuration.components[0].points] == ["a"]
        assert warnings == [
            "components.0.registers.0.map.1: left out: packed registers are not supported yet",
            "components.0.registers.0.map.2: left out: parts of a register are not supported yet (and 1 more)",
            "components.0.registers.0.map.4: left out: repeat is not supported yet",
            "components.0.registers.0.map.5: left out: its id is disabled",
            "components.0.registers.0.map.6: left out: word_order is not supported yet",
        ]

    def test_a_disabled_component_and_one_with_nothing_usable(self, file: Path) -> None:
        data = client_of({"id": "a", "offset": 0})
        data["components"] += [
            {"xxid": "off"},
            data["components"][0]
            | {
                "id": "empty",
                "registers": [{"type": "Holding", "map": [{"id": "b", "offset": 1, "packed_register": True}]}],
            },
        ]
        configuration, warnings = loaded(file, data)
        assert [component.id for component in configuration.components] == ["pcs"]
        assert "components.1: left out: its id is disabled" in warnings
        assert "components.2: left out: none of its registers can be used" in warnings

    def test_defaults_that_replace_something_are_named(self, file: Path) -> None:
        data = client_of({"id": "a", "offset": 0}, component={"frequency": None}, connection={"connection_timeout": 30})
        configuration, warnings = loaded(file, data)
        assert configuration.components[0].period_s == 1.0
        assert configuration.connection.request_timeout_s == 1.0
        assert "no frequency in 'pcs' nor in connection, using 1000 ms" in warnings[1]
        assert "30 s is not in 0 to 10" in warnings[0]


def server_of(system: Any = None, **registers: Any) -> dict[str, Any]:
    return {"system": {"id": "ess", "ip_address": "127.0.0.1", "port": 1502} | (system or {}), "registers": registers}


def served(file: Path, data: Any) -> ServerConfiguration:
    file.write_text(json.dumps(data))
    return load_server(file)[0]


class TestServer:
    def test_a_file_with_all_tables(self, file: Path) -> None:
        entry = {"uri": "/components/bms/", "id": "soc", "offset": 3}
        configuration = served(
            file,
            server_of(
                {"id": "/site"},
                coils=[entry],
                discrete_inputs=[entry],
                input_registers=[entry | {"size": 2, "scale": 10}],
                holding_registers=[entry | {"bool": True}, entry | {"id": "x", "offset": 4, "individual_bits": True}],
            ),
        )
        assert (configuration.id, configuration.units[0].device_id) == ("site", None)
        assert {found.uri for found in configuration.units[0].points} == {"/components/bms"}
        assert [(found.point.type, found.point.kind) for found in configuration.units[0].points] == [
            (RegisterType.COIL, Kind.BOOL),
            (RegisterType.DISCRETE, Kind.BOOL),
            (RegisterType.INPUT, Kind.NUMBER),
            (RegisterType.HOLDING, Kind.BOOL),
            (RegisterType.HOLDING, Kind.NUMBER),
        ]
        assert check_server(file) == []

    def test_word_swap_comes_from_the_system_or_the_entry(self, file: Path) -> None:
        entry = {"uri": "/a", "id": "x", "offset": 0, "size": 2}
        swapped = {"id": "y", "offset": 2, "byte_swap": False}
        data = server_of({"byte_swap": True, "device_id": 7}, holding_registers=[entry, entry | swapped])
        configuration = served(file, data)
        assert configuration.units[0].device_id == 7
        assert [bool(found.point.word_order) for found in configuration.units[0].points] == [True, False]

    @pytest.mark.parametrize(
        ("data", "texts"),
        [
            ({}, ['expected an object with "system"']),
            (server_of(), ["registers: nothing in it can be used"]),
            (server_of(holding=5), ["registers.holding: expected an array"]),
            (server_of(foo=[]), ["registers.foo: expected coils"]),
            (
                server_of({"port": -1}, coils=[{"id": "a", "offset": 0}]),
                ["system.port", "registers.coils.0.uri: missing"],
            ),
            (server_of({"ip_address": None}, coils=[{"id": "a", "offset": 0, "uri": "/a"}]), ["ip_address: missing"]),
            (server_of(coils=[{"id": "a", "offset": 0, "uri": "a"}]), ["registers.coils.0.uri: bad URI"]),
            (
                server_of(coils=[{"id": "a", "offset": n, "uri": "/a"} for n in (0, 1)]),
                ["registers.coils.1: 'a' of /a is used already at registers.coils.0"],
            ),
            (
                server_of(input_registers=[{"id": f"a{n}", "offset": n, "uri": "/a", "size": 2} for n in (0, 1)]),
                ["registers.input_registers.1: 'a1' (offset 1, size 2) overlaps with 'a0' (offset 0, size 2)"],
            ),
            ({"system": {"id": "a", "ip_address": "0.0.0.0"}, "registers": [{}]}, ["an array) are not supported yet"]),
        ],
    )
    def test_files_that_cannot_be_used(self, file: Path, data: Any, texts: list[str]) -> None:
        file.write_text(json.dumps(data))
        with pytest.raises(ConfigurationError) as caught:
            load_server(file)
        assert len(caught.value.problems) == len(texts)
        for problem, text in zip(caught.value.problems, texts, strict=True):
            assert text in str(problem)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the collection of real files is not here")
@pytest.mark.parametrize(("folder", "check", "usable"), [("client", check_client, 28), ("server", check_server, 16)])
def test_real_files_are_read_or_refused_with_reasons(folder: str, check: Any, usable: int) -> None:
    loaded_files = 0
    for path in sorted((SHARED / folder).glob("*.json")):
        with suppress(ConfigurationError):
            assert len(check(path)) < 10
            loaded_files += 1
    assert loaded_files >= usable
