"""What is simulated: a server's file, or a client's, whose device is then served; and a file of values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ess_bus import uri as uris
from ess_bus.configuration import read_json
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.hints import did_you_mean
from ess_bus.values import naked
from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.document import kind_of_file
from modbus_bridge.config.model import ClientConfiguration, Serial, ServedPoint, ServedUnit, ServerConfiguration, Tcp
from modbus_bridge.simulate.device import SimulatedDevice


def load(path: Path, listen: Tcp | Serial | None, *, strict: bool = False) -> tuple[ServerConfiguration, list[Problem]]:
    """Return what to serve, and warnings; of a client's file, the device that it describes.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    if kind_of_file(read_json(path)) not in ("C", "C0"):
        return load_server(path, strict=strict)
    configuration, warnings = load_client(path, strict=strict)
    if listen is None and isinstance(configuration.connection.address, Serial):
        # The client needs this end of the line itself; behind it may be the real device.
        line = configuration.connection.address
        raise ConfigurationError(path, [Problem("connection.serial_device", f"{line} is the client's; say --listen")])
    return device_of(configuration), warnings


def device_of(configuration: ClientConfiguration) -> ServerConfiguration:
    """Return a server of everything that a client reads: a unit for each device id, or one for any if there is one."""
    units: dict[int, list[ServedPoint]] = {}
    for component in configuration.components:
        for point in component.points:
            units.setdefault(point.device_id, []).append(ServedPoint(f"/components/{component.id}", point))
    served = [
        ServedUnit(device_id if len(units) > 1 else None, tuple(points)) for device_id, points in sorted(units.items())
    ]
    connection = configuration.connection
    return ServerConfiguration(connection.name, connection.address, tuple(served))


def apply_values(path: Path, device: SimulatedDevice) -> None:
    """Let the variables that a file names have its values: ``{"/components/x": {"id": value}}``.

    Raises:
        ConfigurationError: with every problem of the file.
    """
    data = read_json(path)
    if not isinstance(data, dict):
        raise ConfigurationError(path, [Problem("", 'expected an object such as {"/components/x": {"id": value}}')])
    problems: list[Problem] = []
    for uri, body in data.items():
        names = device.places.get(uris.normal(uri))
        if names is None:
            problems.append(Problem(uri, f"nothing of it is served{did_you_mean(uri, device.places)}"))
        elif not isinstance(body, dict):
            problems.append(Problem(uri, 'expected an object such as {"id": value}'))
        else:
            for name, value in body.items():
                problem = _assign(device, uris.normal(uri), name, naked(value))
                problems += [Problem(f"{uri}.{name}", problem)] if problem else []
    if problems:
        raise ConfigurationError(path, problems)


def _assign(device: SimulatedDevice, uri: str, name: str, value: Any) -> str | None:
    names = device.places[uri]
    if name not in names:
        return f"it is not served{did_you_mean(name, names)}"
    try:
        device.assign(uri, name, value)
    except ValueError as error:
        return str(error)
    return None
