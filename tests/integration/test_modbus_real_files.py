"""Every real configuration against its own counterpart: a client against its simulator, a server against its reader.

Values are published on one bus, served by `modbus_server`, read over TCP by `modbus_client`, and asked for on another
bus. The component ids of a file get a prefix, so that all files can share two brokers.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ess_bus.client import Bus
from ess_bus.errors import ConfigurationError
from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.model import ClientConfiguration, Kind, Point, ServedUnit, ServerConfiguration, Tcp
from modbus_bridge.convert.client_file import client_document
from modbus_bridge.convert.from_server import client_of
from modbus_bridge.convert.server_file import server_document
from modbus_bridge.convert.simulator import simulator_of
from modbus_bridge.convert.text import pretty
from modbus_bridge.values import codec
from tests.integration.conftest import ROOT, Process, Start, eventually, free_port
from tests.integration.random_plant import Plant
from tests.real_files import real_files

CLIENTS, SERVERS = ("client", "client_c0"), ("server", "server_array")
FILES = real_files(*CLIENTS, *SERVERS)
# Nothing is polled more seldom here.
SLOWEST_S = 0.5

# Points of the files that nothing can be compared of, because their registers are not all served: another point that
# overlaps with them is (see `simulator_of`). By file: how many.
NOT_COMPARED: dict[str, int] = {}


class Pair(NamedTuple):
    """A server and a client of it."""

    server: ServerConfiguration
    client: ClientConfiguration


def pair_of(path: Path, prefix: str, port: int) -> Pair:
    """Return what a file describes and its counterpart, at a port of this computer."""
    address = Tcp("127.0.0.1", port)
    if path.parent.name in CLIENTS:
        client = tamed(prefixed_client(load_client(path)[0], prefix), address)
        return Pair(simulator_of(client, address)[0], client)
    server = prefixed_server(load_server(path)[0], prefix, address)
    return Pair(server, tamed(client_of(server)[0], address))


def prefixed_client(client: ClientConfiguration, prefix: str) -> ClientConfiguration:
    found = (replace(component, id=f"{prefix}_{component.id}") for component in client.components)
    return replace(client, components=tuple(found))


def prefixed_server(server: ServerConfiguration, prefix: str, address: Tcp) -> ServerConfiguration:
    def prefixed(unit: ServedUnit) -> ServedUnit:
        points = (replace(served, uri=f"{served.uri}_{prefix}") for served in unit.points)
        return replace(unit, points=tuple(points))

    return ServerConfiguration(f"{prefix}_{server.id}", address, tuple(map(prefixed, server.units)))


def tamed(client: ClientConfiguration, address: Tcp) -> ClientConfiguration:
    """Return the client at another address, sooner than once a minute, and without what writes to the device."""
    found = (
        replace(component, period_s=min(component.period_s, SLOWEST_S), phase_s=0.0, heartbeat=None, watchdog=None)
        for component in client.components
    )
    return ClientConfiguration(replace(client.connection, address=address), tuple(found))


@pytest.fixture(scope="module")
def buses() -> Iterator[tuple[Bus, Bus]]:
    """A bus of the plant and one of the site."""
    folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    endpoints = [f"ipc://{folder}/{name}.sock" for name in ("plant", "site")]
    command = ["-m", "ess_bus.broker.command", "--bus"]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    brokers = [Process([sys.executable, *command, endpoint], folder, variables) for endpoint in endpoints]
    for broker in brokers:
        eventually(lambda broker=broker: "listening" in broker.output)  # type: ignore[misc]
    with Bus(endpoints[0], name="test") as plant, Bus(endpoints[1], name="test") as site:
        yield plant, site
    for broker in brokers:
        broker.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("path", FILES)
def test_every_point_is_read_as_it_was_published(path, buses, start: Start, folder):
    plant_bus, site_bus = buses
    number = next(index for index, file in enumerate(FILES) if file.values == (path,))
    try:
        pair = pair_of(path, f"f{number}", free_port())
    except ConfigurationError as error:
        pytest.skip(f"refused: {error}")
    plant = Plant(pair.server, seed=number)
    server_file, client_file = folder / "server.json", folder / "client.json"
    server_file.write_text(pretty(server_document(pair.server)))
    client_file.write_text(pretty(client_document(pair.client)))
    server = start("modbus_bridge.server", server_file, bus=plant_bus.endpoint)
    client = start("modbus_bridge.client", client_file, bus=site_bus.endpoint)

    expected, skipped = expectations(pair, plant)
    assert skipped == NOT_COMPARED.get(path.name, 0)

    def differences() -> dict[str, Any]:
        assert (server.popen.poll(), client.popen.poll()) == (None, None), server.output + client.output
        for uri, body in plant.bodies.items():
            plant_bus.publish(uri, body)
        found: dict[str, Any] = {}
        for uri, values in expected.items():
            body = site_bus.get(uri)
            found |= {
                f"{uri}/{key}": (naked(body.get(key)), value)
                for key, value in values.items()
                if naked(body.get(key)) != value
            }
        return found

    try:
        eventually(lambda: not differences())
    except AssertionError:
        pytest.fail(f"read, published: {dict(list(differences().items())[:10])}\n{server.output}\n{client.output}")


def expectations(pair: Pair, plant: Plant) -> tuple[dict[str, dict[str, Any]], int]:
    """Return what each component must show, and how many points have registers that are not served."""
    units = {unit.device_id for unit in pair.server.units}
    skipped = 0
    expected: dict[str, dict[str, Any]] = {}
    for component in pair.client.components:
        values = expected.setdefault(f"/components/{component.id}", {})
        for point in component.points:
            words = plant.words_of(point, point.device_id if point.device_id in units else None)
            if words is None:
                skipped += 1
            else:
                values |= shown(point, words)
    assert any(expected.values())
    return expected, skipped


def shown(point: Point, words: list[int]) -> dict[str, Any]:
    found = codec.published(point, words)
    if point.kind is Kind.BOOL and not point.use_bool:
        return {key: int(value) for key, value in found.items()}
    return found


def naked(value: Any) -> Any:
    """Return the value of a clothed or full point."""
    return value["value"] if isinstance(value, dict) and "value" in value else value
