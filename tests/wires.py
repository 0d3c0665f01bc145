"""What two Modbus files make of a value on its way: through the registers of a device to the bridge, and back.

No sockets: a register file of the plant's server and one of the site's client, applied one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.model import Point
from modbus_bridge.values import codec

CONFIGS = Path(__file__).parents[1] / "configs"


class Ends(NamedTuple):
    """One register, as the device serves it and as the bridge reads it."""

    served: Point
    read: Point


class Wires:
    """The registers of some devices of ``configs``.

    Attributes:
        components: URI -> register -> its two ends.
    """

    def __init__(self, devices: Iterable[str]) -> None:
        self.components: dict[str, dict[str, Ends]] = {}
        self.device_of: dict[str, str] = {}
        for device in devices:
            for uri, points in _ends(device).items():
                self.components[uri] = points
                self.device_of[uri] = device

    def read(self, uri: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return what a bridge publishes of what a device holds; what no register holds is not read."""
        ends = self.components[uri]
        published: dict[str, Any] = {}
        for name, value in values.items():
            if name in ends:
                published |= _read(ends[name], value) if value is not None else {name: None}
        return published

    def write(self, uri: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return what a device is told by a set to a bridge.

        Raises:
            ValueError: a value does not fit into its register.
        """
        ends = self.components[uri]
        return {name: _written(ends[name], value) for name, value in values.items()}


@cache
def _ends(device: str) -> dict[str, dict[str, Ends]]:
    client, _ = load_client(CONFIGS / device / f"{device}_client.json")
    server, _ = load_server(CONFIGS / device / f"{device}_server.json")
    served = {(one.uri, one.point.id): one.point for unit in server.units for one in unit.points}
    return {
        uri: {point.id: Ends(served[uri, point.id], point) for point in component.points}
        for component in client.components
        for uri in [f"/components/{component.id}"]
    }


def _read(ends: Ends, value: Any) -> dict[str, Any]:
    return codec.published(ends.read, codec.encode(ends.served, value))


def _written(ends: Ends, value: Any) -> Any:
    return codec.number(ends.served, codec.encode(ends.read, value))
