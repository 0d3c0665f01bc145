"""Configuration documents for the tests of `modbus_bridge.config`, and what is found in them."""

from __future__ import annotations

from typing import Any

import pytest

from ess_bus.errors import ConfigurationError
from modbus_bridge.config import client_from, server_from
from modbus_bridge.config.model import ClientConfiguration, Component, Point, ServerConfiguration

PLACE = "components.0.registers.0.map"


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


def loaded(data: Any, *, strict: bool = False) -> tuple[ClientConfiguration, list[str]]:
    configuration, warnings = client_from(data, "file.json", strict=strict)
    return configuration, [str(warning) for warning in warnings]


def component_of(data: Any) -> Component:
    configuration, warnings = loaded(data)
    assert warnings == []
    return configuration.components[0]


def points_of(*entries: Any, **around: Any) -> tuple[Point, ...]:
    """Return the points of a component with these entries, which must give no warnings."""
    return component_of(client_of(*entries, **around)).points


def point_of(entry: dict[str, Any], **around: Any) -> Point:
    (point,) = points_of({"id": "a", "offset": 1} | entry, **around)
    return point


def problems(data: Any, *, strict: bool = False) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        client_from(data, "file.json", strict=strict)
    return [str(problem) for problem in caught.value.problems]


def server_of(system: Any = None, **registers: Any) -> dict[str, Any]:
    return {"system": {"id": "ess", "ip_address": "127.0.0.1", "port": 1502} | (system or {}), "registers": registers}


def served(data: Any, *, strict: bool = False) -> tuple[ServerConfiguration, list[str]]:
    configuration, warnings = server_from(data, "file.json", strict=strict)
    return configuration, [str(warning) for warning in warnings]


def server_problems(data: Any, *, strict: bool = False) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        server_from(data, "file.json", strict=strict)
    return [str(problem) for problem in caught.value.problems]
