"""What `strict` refuses beyond what nobody can use: the rules of the original's strict program."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.modbus_files import PLACE, client_of, loaded, problems, served, server_of, server_problems

ENTRY = {"id": "a", "offset": 0}
ENUM = {"id": "a", "offset": 0, "enum": True, "bit_strings": ["x"]}


def heartbeat(**keys: Any) -> dict[str, Any]:
    return client_of(ENTRY, component={"heartbeat_enabled": True, "component_heartbeat_read_uri": "a"} | keys)


def groups(count: int) -> dict[str, Any]:
    return {"registers": [{"type": "Holding", "map": [{"id": f"a{n}", "offset": n}]} for n in range(count)]}


def many_components(count: int) -> dict[str, Any]:
    data = client_of(ENTRY)
    data["components"] = [data["components"][0] | {"id": f"c{n}"} for n in range(count)]
    return data


@pytest.mark.parametrize(
    ("data", "where", "text"),
    [
        (client_of(ENTRY, component={"id": "p q"}), "components.0.id", "must not contain a space"),
        (client_of(ENTRY | {"id": "a b"}), f"{PLACE}.0.id", "must not contain a space"),
        (
            client_of(ENTRY | {"individual_bits": True, "bit_strings": ["x y"]}),
            f"{PLACE}.0.bit_strings.0",
            "must not contain ' '",
        ),
        (client_of(ENUM | {"bit_strings": ['x"y']}), f"{PLACE}.0.bit_strings.0", "must not contain '\"'"),
        (client_of(ENUM | {"bit_strings": ["x", None, "y"]}), f"{PLACE}.0.bit_strings.1", "null in an enum"),
        (client_of(ENUM | {"bit_strings": ["x", {"IGNORE": 2}]}), f"{PLACE}.0.bit_strings.1", "IGNORE"),
        (client_of(ENUM | {"bit_strings": ["x"] * 256}), f"{PLACE}.0.bit_strings", "256 strings are more than 255"),
        (
            client_of(*({"id": f"a{n}", "offset": n // 2} for n in range(126))),
            f"{PLACE}",
            "126 entries are more than 125",
        ),
        (
            client_of(ENTRY, ENTRY | {"id": "b", "offset": 125}),
            "components.0.registers.0",
            "its registers span 126, more than 125",
        ),
        (client_of(ENTRY | {"size": 2}, {"id": "b", "offset": 1}), f"{PLACE}.1", "overlaps with 'a'"),
        (client_of(ENTRY, ENTRY | {"offset": 1}), f"{PLACE}.1", "'a' is used already"),
        (client_of(ENTRY, {"id": "b", "offset": 1, "size": 3}), f"{PLACE}.1.size", "must be 1, 2 or 4"),
        (client_of(ENTRY, component={"frequency": None}), "components.0", "no frequency in 'pcs'"),
        (client_of(ENTRY, component=groups(256)), "components.0.registers", "256 groups are more than 255"),
        (many_components(256), "components", "256 are more than 255"),
        (client_of(ENTRY, connection={"name": None}), "connection.name", "missing"),
        (client_of(ENTRY, connection={"max_num_connections": 0}), "connection.max_num_connections", "must be 1 to 255"),
        (client_of(ENTRY, connection={"off_by_one": True}), f"{PLACE}.0.offset", "got -1"),
        (heartbeat(component_heartbeat_read_uri=None), "components.0.component_heartbeat_read_uri", "missing"),
        (heartbeat(component_heartbeat_read_uri="b"), "components.0.component_heartbeat_read_uri", "is no register"),
        (heartbeat(component_heartbeat_write_uri="b"), "components.0.component_heartbeat_write_uri", "is no register"),
        (
            heartbeat(component_heartbeat_timeout_ms=199),
            "components.0.component_heartbeat_timeout_ms",
            "less than the frequency",
        ),
    ],
)
def test_what_only_the_original_refuses(data: dict[str, Any], where: str, text: str) -> None:
    found = problems(data, strict=True)
    assert any(problem.startswith(f"{where}: ") and text in problem for problem in found), found
    if "got -1" not in text:
        loaded(data)


@pytest.mark.parametrize(
    "data",
    [
        client_of(ENTRY),
        client_of({"id": "a${N}", "offset": 0, "repeat": 300, "invalid": "0xFFFF", "unit": "V"}),
        client_of(ENTRY | {"text": True, "size": 9}),
        client_of(ENTRY, component={"publish": "on_change", "refresh": 5000}),
        heartbeat(component_heartbeat_timeout_ms=200, heartbeat_control="ess"),
        client_of(ENTRY, connection={"name": "a b", "connection_timeout": 30, "xx": 1, "unknown": 2}),
        client_of(*({"id": f"a{n}", "offset": n} for n in range(125))),
        client_of(ENUM | {"bit_strings": ["x y", {"value": 300, "string": "z"}]}),
    ],
)
def test_what_the_original_takes_and_what_is_ours_passes(data: dict[str, Any]) -> None:
    assert loaded(data, strict=True)[0] == loaded(data)[0]


def test_a_server_refuses_what_it_would_leave_out() -> None:
    entry = {"id": "a", "offset": 0, "uri": "/a", "individual_bits": True, "bit_strings": ["x y"]}
    assert served(server_of(coils=[entry]), strict=True) == served(server_of(coils=[entry]))
    for second in (entry | {"offset": 1}, entry | {"id": "b"}, {"id": "b", "offset": 1}):
        data = server_of(coils=[entry, second])
        assert len(served(data)[1]) == 1
        (problem,) = server_problems(data, strict=True)
        assert problem.startswith("registers.coils.1")
