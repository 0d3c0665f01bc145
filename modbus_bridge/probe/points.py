"""What a configuration says of the device that is probed: a client's file, or a server's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ess_bus.configuration import read_json
from ess_bus.errors import Problem
from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.document import kind_of_file
from modbus_bridge.config.model import Connection, Point
from modbus_bridge.probe.order import DEFAULT_DEVICE_ID, Order

Components = dict[str, list[Point]]


def load(order: Order, config: Path) -> tuple[Connection, Components, list[Problem]]:
    """Return how the device is reached, the points that are wanted by component, and what in the file has no effect.

    Raises:
        ConfigurationError: the file cannot be used.
    """
    is_server = kind_of_file(read_json(config)) in ("S", "S[]")
    connection, components, warnings = _server(config) if is_server else _client(config)
    chosen: Components = {}
    for component, points in components.items():
        if order.device_id is not None:
            points = [replace(point, device_id=order.device_id) for point in points]
        if wanted := [point for point in points if order.wants(point)]:
            chosen[component] = wanted
    return connection, chosen, warnings


def _client(config: Path) -> tuple[Connection, Components, list[Problem]]:
    configuration, warnings = load_client(config)
    return (
        configuration.connection,
        {component.id: list(component.points) for component in configuration.components},
        warnings,
    )


def _server(config: Path) -> tuple[Connection, Components, list[Problem]]:
    configuration, warnings = load_server(config)
    components: Components = {}
    for unit in configuration.units:
        device_id = DEFAULT_DEVICE_ID if unit.device_id is None else unit.device_id
        for served in unit.points:
            components.setdefault(served.uri, []).append(replace(served.point, device_id=device_id))
    return Connection(configuration.id, configuration.address), components, warnings
