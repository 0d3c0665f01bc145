"""Hostile documents: whatever is in them, there is a configuration that holds what it promises, or the problems."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import client_from, server_from
from modbus_bridge.config.model import ClientConfiguration, Point, ServerConfiguration
from tests.unit.modbus_files import client_of, server_of

CLIENT = client_of(
    {"id": "a", "offset": 3, "size": 2, "scale": 0.1, "signed": True, "invalid": ["0xFFFF", -1], "word_order": 21},
    {"id": "e", "offset": 5, "enum": True, "bit_strings": ["x", None, {"value": 9, "string": "y"}, {"IGNORE": 2}]},
    {"id": "b${N}", "offset": 6, "individual_bits": True, "bit_strings": ["p${N}", "q${N}"], "repeat": 3},
    {"id": "m${A}_${B}", "offset": 20, "repeat": {"A": 2, "B": 2}, "step": {"A": 10, "B": 1}, "first": {"A": 0}},
    {
        "id": "packed",
        "offset": 40,
        "packed_register": True,
        "bit_ranges": [{"id": "lo", "number_of_bits": 4}, {"id": "hi", "number_of_bits": 4, "starting_bit_pos": 4}],
    },
    {"id": "v1", "offset": 41, "individual_enums": True, "bit_strings": [{"id": "w", "begin_bit": 0, "end_bit": 1}]},
    {"id": "text", "offset": 42, "size": 8, "type": "string"},
    connection={"ip_range": {"begin": 1, "end": 1, "replace": "#"}, "max_num_connections": 2, "stats_pub_uri": "/s"},
    component={
        "device_id_range": {"begin": 1, "end": 2, "replace": "##"},
        "id": "c_##",
        "heartbeat_enabled": True,
        "component_heartbeat_read_uri": "a",
        "component_heartbeat_write_uri": "e",
        "component_heartbeat_max_value": 9,
        "watchdog_enabled": True,
        "watchdog_uri": "a",
        "publish": "on_change",
    },
    group={"decode_offset_range": {"begin": 0, "end": 0, "replace": "~"}, "format": "clothed"},
)
OLDEST = {"system": {"id": "m", "ip_address": "h"}, "registers": CLIENT["components"][0]["registers"]}
ENTRIES = [entry | {"uri": "/a"} for entry in CLIENT["components"][0]["registers"][0]["map"]]
SERVER = server_of({"last_bit": True}, holding_registers=ENTRIES, coils=[{"id": "c", "offset": 0, "uri": "/b"}])
UNITS = SERVER | {"registers": [{"device_id": 1, "input_registers": ENTRIES}, {"coils": []}]}

# Every key that means something somewhere, so that random documents reach far.
_WORDS = sorted(
    {key for entry in ENTRIES for key in entry}
    | CLIENT["connection"].keys()
    | CLIENT["components"][0].keys()
    | {"connection", "components", "system", "registers", "map", "type", "coils", "begin", "end", "replace", "value"}
)
_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(-2, 300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "Holding", "${N}", "{{X}}", "##", "0xFF", "/a", "\x00", "\ud800", "a" * 300])
    | st.text(max_size=8)
)
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_WORDS), inner, max_size=5),
    max_leaves=15,
)


def places(data: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return every container of a document with every key in it."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        found.append((data, key))
        if isinstance(value, dict | list):
            places(value, found)
    return found


@st.composite
def mutated(draw: st.DrawFn, document: Any) -> Any:
    """A valid document with some values replaced, dropped or doubled, and some keys added."""
    data = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        found = places(data, [])
        if not found:
            break
        container, key = found[draw(st.integers(0, len(found) - 1))]
        match draw(st.sampled_from(["replace", "drop", "add", "copy"])):
            case "replace":
                container[key] = draw(_json)
            case "drop":
                del container[key]
            case "add" if isinstance(container, dict):
                container[draw(st.sampled_from(_WORDS))] = draw(_json)
            case _ if isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
    return data


def check_point(point: Point) -> None:
    assert 0 <= point.offset < point.end <= 65536
    assert 0 <= point.device_id <= 255
    assert 1 <= point.width <= 16 * point.size
    assert point.first_bit + point.width <= 16 * point.size
    assert sorted(point.word_order) in ([], list(range(point.size)))
    assert all(0 <= value < 1 << point.width for value in point.invalid)
    assert 0 <= point.invert_mask < 1 << 16 * point.size
    assert point.keys


def check_client(configuration: ClientConfiguration) -> None:
    assert len({component.id for component in configuration.components}) == len(configuration.components) > 0
    for component in configuration.components:
        keys = [key for point in component.points for key in point.keys]
        assert len(set(keys)) == len(keys) > 0
        assert component.period_s > 0
        for point in component.points:
            check_point(point)
        named = {point.id for point in component.points}
        if component.heartbeat:
            assert {component.heartbeat.read_id, component.heartbeat.write_id} <= named | {None}
            assert component.heartbeat.timeout_s > 0
        if component.watchdog:
            assert component.watchdog.read_id in named


def check_server(configuration: ServerConfiguration) -> None:
    assert len({unit.device_id for unit in configuration.units}) == len(configuration.units)
    for unit in configuration.units:
        for served in unit.points:
            check_point(served.point)
            assert served.uri.startswith("/")


def check(data: Any, *, strict: bool) -> None:
    before = copy.deepcopy(data)
    with suppress(ConfigurationError):
        client, warnings = client_from(data, "file.json", strict=strict)
        check_client(client)
        assert all(warning.message for warning in warnings)
    with suppress(ConfigurationError):
        server, warnings = server_from(data, "file.json", strict=strict)
        check_server(server)
        assert all(warning.message for warning in warnings)
    assert data == before


FUZZ = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@FUZZ
@given(_json, st.booleans())
def test_any_document(data: Any, strict: bool) -> None:
    check(data, strict=strict)
    check({"connection": {"name": "n", "ip_address": "h"}, "components": [data]}, strict=strict)
    check({"system": {"id": "n", "ip_address": "h"}, "registers": data}, strict=strict)


@pytest.mark.parametrize("document", [CLIENT, OLDEST, SERVER, UNITS], ids=["C", "C0", "S", "S[]"])
def test_a_document_with_mistakes(document: Any) -> None:
    @FUZZ
    @given(mutated(document), st.booleans())
    def each(data: Any, strict: bool) -> None:
        check(data, strict=strict)

    each()


def test_without_mistakes_all_of_it_is_read() -> None:
    client = client_from(CLIENT, "file.json")[0]
    assert [len(component.points) for component in client.components] == [12, 12]
    assert len(server_from(SERVER, "file.json")[0].units[0].points) == 13
