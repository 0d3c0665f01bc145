"""The JSON Schemas that editors get."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from modbus_bridge.config.schema import client_schema, server_schema
from tests.unit.modbus_files import client_of, server_of
from tests.unit.schemas import violations

CONFIGS = Path(__file__).parents[2] / "configs"
ENTRY = {"id": "a", "offset": 0}


@pytest.fixture(scope="module")
def client() -> dict[str, Any]:
    return client_schema()


@pytest.fixture(scope="module")
def server() -> dict[str, Any]:
    return server_schema()


def properties(schema: Any) -> Iterator[tuple[str, Any]]:
    for definition in schema["$defs"].values():
        yield from definition.get("properties", {}).items()


def test_they_are_of_the_dialect_that_editors_know(client: Any, server: Any) -> None:
    for schema in (client, server):
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert orjson.loads(orjson.dumps(schema)) == schema


def test_every_key_is_explained(client: Any, server: Any) -> None:
    for schema in (client, server):
        missing = [key for key, found in properties(schema) if "description" not in found and "$ref" not in found]
        assert set(missing) <= {"components", "registers", "offset", "begin", "end", "step", "replace"}
        assert all("title" not in found for _, found in properties(schema))


def test_the_keys_have_the_names_of_the_files(client: Any, server: Any) -> None:
    for schema in (client, server):
        keys = {key for key, _ in properties(schema)}
        assert {"float", "bool", "invalid", "repeat", "bit_ranges", "serial_device"} <= keys
        assert not keys & {"is_float", "is_bool"}


@pytest.mark.parametrize(
    "data",
    [
        client_of(ENTRY, {"xname": 5} | ENTRY),
        client_of(ENTRY | {"repeat": {"N": 3}, "step": {"N": 2}, "scale": 0.1, "invalid": ["0xFFFF", 3]}),
        client_of(ENTRY | {"word_order": 4321, "size": 4, "bit_strings": [None, "a", {"value": 1, "string": "b"}]}),
        client_of(ENTRY | {"packed_register": True, "bit_ranges": [{"id": "b", "number_of_bits": 3}]}),
        client_of(ENTRY, connection={"ip_address": None, "serial_device": "/dev/ttyS0", "parity": "even"}),
        {"system": {"id": "a", "ip_address": "h"}, "registers": [{"type": "Coils", "map": [ENTRY]}]},
    ],
)
def test_what_a_client_takes_follows_it(client: Any, data: Any) -> None:
    assert violations(data, client) == []


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (client_of({"id": "a"}), ".components.0.registers.0.map.0"),
        (client_of(ENTRY | {"size": "2"}), ".components.0.registers.0.map.0.size"),
        (client_of(ENTRY | {"repeat": "2"}), ".components.0.registers.0.map.0.repeat"),
        (client_of(ENTRY, connection={"port": 70000}), ".connection.port"),
        (client_of(ENTRY, component={"publish": "never"}), ".components.0.publish"),
        (client_of(), ".components.0.registers.0.map"),
    ],
)
def test_what_a_client_does_not_take_is_marked(client: Any, data: Any, where: str) -> None:
    (violation, *_) = violations(data, client)
    assert violation.startswith(f"{where}: ")


def test_both_forms_of_a_server_follow_its_own(server: Any) -> None:
    entry = ENTRY | {"uri": "/a"}
    assert violations(server_of(coils=[entry | {"repeat": 5}], xcoils=5), server) == []
    units = server_of() | {"registers": [{"device_id": 3, "input_registers": [entry]}, {"coils": [entry]}]}
    assert violations(units, server) == []
    assert violations(server_of(coils=[ENTRY]), server)[0].startswith(".registers.coils.0: ")


def test_the_files_that_come_with_the_project_follow_them(client: Any, server: Any) -> None:
    clients = sorted(CONFIGS.rglob("*client*.json"))
    servers = sorted(CONFIGS.rglob("*server*.json"))
    assert clients
    assert servers
    for paths, schema in ((clients, client), (servers, server)):
        for path in paths:
            assert violations(path, schema) == [], path.name
