"""The server's files: formats S and S[]."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modbus_bridge.config import check_server
from modbus_bridge.config.model import Kind, RegisterType, Serial, ServedUnit, Tcp
from tests.unit.modbus_files import client_of, served, server_of, server_problems

ENTRY = {"uri": "/components/bms", "id": "soc", "offset": 3}


def units_of(*blocks: Any, system: Any = None) -> dict[str, Any]:
    head = {"id": "ess", "ip_address": "127.0.0.1", "port": 1502} | (system or {})
    return {"system": head, "registers": list(blocks)}


class TestTables:
    def test_a_file_with_all_tables(self, tmp_path: Path) -> None:
        bits = ENTRY | {"id": "x", "offset": 4, "individual_bits": True}
        data = server_of(
            {"id": "/site"},
            coils=[ENTRY],
            discrete_inputs=[ENTRY],
            input_registers=[ENTRY | {"size": 2, "scale": 10, "uri": "/components//bms/"}],
            holding_registers=[ENTRY | {"bool": True}, bits, bits | {"id": "y", "offset": 5, "bit_strings": ["a b"]}],
        )
        configuration, warnings = served(data)
        (unit,) = configuration.units
        assert (configuration.id, configuration.address, unit.device_id) == ("site", Tcp("127.0.0.1", 1502), None)
        assert {found.uri for found in unit.points} == {"/components/bms"}
        assert [(found.point.type, found.point.kind) for found in unit.points] == [
            (RegisterType.COIL, Kind.BOOL),
            (RegisterType.DISCRETE, Kind.BOOL),
            (RegisterType.INPUT, Kind.NUMBER),
            (RegisterType.HOLDING, Kind.BOOL),
            (RegisterType.HOLDING, Kind.NUMBER),
            (RegisterType.HOLDING, Kind.INDIVIDUAL_BITS),
        ]
        assert warnings == []
        file = tmp_path / "file.json"
        file.write_text(json.dumps(data))
        assert check_server(file) == []

    def test_word_swap_comes_from_the_system_or_the_entry(self) -> None:
        entry = ENTRY | {"size": 2}
        swapped = {"id": "y", "offset": 5, "byte_swap": False}
        data = server_of({"byte_swap": True, "device_id": 7}, holding_registers=[entry, entry | swapped])
        (unit,) = served(data)[0].units
        assert unit.device_id == 7
        assert [found.point.word_order for found in unit.points] == [(1, 0), ()]

    def test_minus_one_is_any_unit(self) -> None:
        assert served(server_of({"device_id": -1}, coils=[ENTRY]))[0].units[0].device_id is None

    @pytest.mark.parametrize(
        ("system", "entry", "expected"),
        [
            ({}, {}, False),
            ({"last_bit": True}, {}, True),
            ({"last_bit": True}, {"last_bit": False}, False),
            ({}, {"last_bit": True}, True),
        ],
    )
    def test_the_number_of_the_last_bit_if_it_is_wanted(self, system: Any, entry: Any, expected: bool) -> None:
        bits = ENTRY | {"bit_field": True, "bit_strings": ["a"]} | entry
        data = server_of(system, holding_registers=[bits, ENTRY | {"id": "n", "offset": 9}])
        (unit,) = served(data)[0].units
        assert [found.last_bit for found in unit.points] == [expected, False]

    def test_strings_that_cannot_be_used_are_done_without(self) -> None:
        bad = ENTRY | {"enum": True, "bit_strings": [5]}
        configuration, warnings = served(server_of(holding_registers=[bad]))
        assert configuration.units[0].points[0].point.kind is Kind.ENUM
        assert warnings == [
            "registers.holding_registers.0.bit_strings.0: not used: expected a string, null or a value with a string"
        ]

    def test_parts_of_a_register_have_the_owner_of_the_whole(self) -> None:
        parts = [{"id": "lo", "number_of_bits": 8}, {"id": "hi", "number_of_bits": 8, "starting_bit_pos": 8}]
        whole = ENTRY | {"packed_register": True, "bit_ranges": parts}
        configuration, warnings = served(server_of(input_registers=[whole]))
        assert warnings == []
        assert [(found.uri, found.point.id, found.point.offset) for found in configuration.units[0].points] == [
            ("/components/bms", "lo", 3),
            ("/components/bms", "hi", 3),
        ]

    def test_what_cannot_be_served_is_left_out(self) -> None:
        entries = [
            ENTRY | {"size": 2},
            ENTRY | {"offset": 9},
            ENTRY | {"id": "b", "offset": 4},
            {"id": "c", "offset": 20},
            ENTRY | {"id": "d", "offset": 21, "uri": "components"},
            {"xid": "e"},
            ENTRY | {"id": "f", "offset": 22},
        ]
        configuration, warnings = served(server_of(input_registers=entries, foo=[], xfoo=[], coils=5))
        (unit,) = configuration.units
        assert [found.point.id for found in unit.points] == ["soc", "f"]
        assert unit.left_out == tuple((RegisterType.INPUT, address, address + 1) for address in (9, 20, 21))
        place = "registers.input_registers"
        assert warnings == [
            f"{place}.5: left out: its id is disabled",
            f"{place}.1: left out: 'soc' of /components/bms is used already at {place}.0",
            f"{place}.2: left out: 'b' (offset 4, size 1) overlaps with 'soc' (offset 3, size 2)",
            f"{place}.3.uri: left out: missing",
            f"{place}.4.uri: left out: bad URI 'components/d': it must start with '/'",
            "registers.foo: left out: expected coils, discrete_inputs, input_registers or holding_registers",
            "registers.coils: left out: expected an array of register entries",
        ]

    def test_the_same_name_in_another_table_is_another_copy(self) -> None:
        configuration, warnings = served(server_of(input_registers=[ENTRY], holding_registers=[ENTRY]))
        assert (len(configuration.units[0].points), warnings) == (2, [])

    def test_what_is_asked_for_and_done_anyway_is_silent(self) -> None:
        assert served(server_of({"bypass_init": True, "server_delay": 0}, coils=[ENTRY]))[1] == []
        assert served(server_of({"server_delay": 5}, coils=[ENTRY]))[1] == ["not honoured: server_delay"]


class TestUnits:
    def test_each_block_is_a_unit(self) -> None:
        data = units_of({"device_id": 1, "coils": [ENTRY]}, {"holding_registers": [ENTRY]}, system={"device_id": 9})
        configuration, warnings = served(data)
        assert [(unit.device_id, len(unit.points)) for unit in configuration.units] == [(1, 1), (None, 1)]
        assert warnings == []

    def test_a_unit_without_a_block_of_its_own_is_255(self) -> None:
        assert [unit.device_id for unit in served(units_of({"device_id": 255, "coils": [ENTRY]}))[0].units] == [None]

    def test_a_block_that_is_there_twice_is_refused(self) -> None:
        block = {"device_id": 2, "coils": [ENTRY]}
        assert server_problems(units_of(block, block)) == [
            "registers.1.device_id: there is a block for 2 already",
        ]

    def test_a_block_that_is_none_is_left_out(self) -> None:
        data = units_of({"device_id": 300, "coils": [ENTRY]}, 5, {"device_id": 1, "coils": [ENTRY]})
        configuration, warnings = served(data)
        assert configuration.units == (ServedUnit(1, configuration.units[0].points),)
        assert warnings == [
            "registers.0.device_id: left out: expected 0 to 255, got 300",
            "registers.1: left out: expected an object with device_id and tables",
        ]


class TestSerial:
    LINE = {"ip_address": None, "serial_device": "/dev/ttyUSB0", "baud_rate": 9600, "parity": "even", "stop_bits": 2}  # noqa: RUF012

    def test_a_server_on_a_serial_line(self) -> None:
        configuration, warnings = served(server_of(self.LINE | {"device_id": 4}, coils=[ENTRY]))
        assert configuration.address == Serial("/dev/ttyUSB0", 9600, "even", 8, 2)
        assert warnings == []

    def test_it_must_know_its_unit_id(self) -> None:
        assert server_problems(server_of(self.LINE, coils=[ENTRY])) == [
            "system.device_id: missing: on a serial line a server has a unit id"
        ]


@pytest.mark.parametrize(
    ("data", "texts"),
    [
        ({}, ['expected an object with "system"']),
        (client_of(ENTRY), ["this is a client's file"]),
        ({"system": {}, "registers": [{"type": "Coils", "map": []}]}, ["this is a client's file"]),
        (server_of(), ["registers: nothing in it can be used"]),
        (server_of(holding=5), ["registers.holding: expected an array", "nothing in it can be used"]),
        (server_of(foo=[]), ["registers.foo: expected coils", "nothing in it can be used"]),
        (
            server_of({"port": -1}, coils=[{"id": "a", "offset": 0}]),
            ["system.port", "registers.coils.0.uri: left out: missing"],
        ),
        (server_of({"ip_address": None}, coils=[ENTRY]), ["ip_address: missing"]),
        (server_of({"id": None}, coils=[ENTRY]), ["system.id: expected a text"]),
        (units_of(), ["registers: nothing in it can be used"]),
        (server_of({"ip_address": "{{HOST}}"}, coils=[ENTRY]), ["fill in {{HOST}}", "must not contain '{'"]),
    ],
)
def test_files_that_cannot_be_used(data: Any, texts: list[str]) -> None:
    found = server_problems(data)
    assert len(found) == len(texts)
    for problem, text in zip(found, texts, strict=True):
        assert text in problem
