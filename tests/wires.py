"""What two Modbus files make of a value on its way: through the registers of a device to the bridge, and back.

No sockets: a register file of the plant's server and one of the site's client, applied one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.model import ClientConfiguration, Kind, Point, ServerConfiguration
from modbus_bridge.values import codec
from modbus_bridge.values.meaning import meaning_of

CONFIGS = Path(__file__).parents[1] / "configs"
_NOTHING: Final = object()


class Wire:
    """One register, as the device serves it and as the bridge reads it."""

    def __init__(self, served: Point, read: Point) -> None:
        self._served, self._read = served, read
        # What was read last, so that it need not be read again: registers are coarser than what is measured.
        self._last: Any = _NOTHING
        self._factor = float(served.scale or 1) if served.kind is Kind.NUMBER and not served.is_float else None
        self._meaning = meaning_of(read)
        self.told: Any = _NOTHING

    def news(self, value: Any) -> dict[str, Any] | None:
        """Return what the bridge publishes of a value; ``None`` if that is what it published last."""
        last = value if self._factor is None or value is None else round(value * self._factor)
        if last == self._last and type(last) is type(self._last):
            return None
        self._last = last
        if value is None:
            return dict.fromkeys(self._read.keys)
        words = codec.encode(self._served, value)
        if self._read.kind is Kind.INDIVIDUAL_BITS:
            return codec.published(self._read, words)
        return {self._read.id: self._meaning(codec.raw(self._read, words))}

    def written(self, value: Any) -> Any:
        """Return what the device is told by a set to the bridge; ValueError if that does not fit into the register."""
        return codec.number(self._served, codec.encode(self._read, value))


class Object:
    """A component that a bridge publishes.

    Attributes:
        device: whose it is.
        period_s: how often it is read.
        wires: by register.
    """

    def __init__(self, device: str, period_s: float, wires: dict[str, Wire]) -> None:
        self.device, self.period_s, self.wires = device, period_s, wires

    def news(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the bridge publishes that it did not publish before; what no register holds is not read."""
        published: dict[str, Any] = {}
        wires = self.wires
        for name, value in values.items():
            wire = wires.get(name)
            # Most registers hold what they held; there is nothing to be read then.
            if wire is None or value is wire.told:
                continue
            wire.told = value
            news = wire.news(value)
            if news is not None:
                published |= news
        return published


def objects(devices: Iterable[str]) -> dict[str, Object]:
    """Return URI -> object of the devices of ``configs``."""
    return {uri: one for device in devices for uri, one in _objects(device).items()}


@cache
def _files(device: str) -> tuple[ClientConfiguration, ServerConfiguration]:
    client, _ = load_client(CONFIGS / device / f"{device}_client.json")
    server, _ = load_server(CONFIGS / device / f"{device}_server.json")
    return client, server


def _objects(device: str) -> dict[str, Object]:
    client, server = _files(device)
    served = {(one.uri, one.point.id): one.point for unit in server.units for one in unit.points}
    return {
        uri: Object(
            device, component.period_s, {point.id: Wire(served[uri, point.id], point) for point in component.points}
        )
        for component in client.components
        for uri in [f"/components/{component.id}"]
    }
