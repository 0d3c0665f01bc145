"""A client's configuration -> the server that plays its device, with what the client publishes as its values."""

from __future__ import annotations

from dataclasses import replace

from ess_bus.errors import Problem
from modbus_bridge.config.model import (
    ANY_UNIT,
    ClientConfiguration,
    Format,
    Point,
    RegisterType,
    Serial,
    ServedPoint,
    ServedUnit,
    ServerConfiguration,
    Tcp,
)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 502


def simulator_of(
    configuration: ClientConfiguration, listen: Tcp | Serial | None = None
) -> tuple[ServerConfiguration, list[Problem]]:
    """Return a server of the device's registers, and what had to be left out with the reason.

    It listens at `listen`, or at the device's port of this computer. Every register belongs to
    ``/components/<component id>``, so that one who publishes what the client would publish fills all of them. A
    register can be served for one point only: of two that overlap, the wider one is served, else the first one.
    """
    owned = [
        (f"/components/{component.id}", point) for component in configuration.components for point in component.points
    ]
    device_ids = sorted({point.device_id for _, point in owned})
    units: list[ServedUnit] = []
    left_out: list[Problem] = []
    for device_id in device_ids:
        points = [(uri, point) for uri, point in owned if point.device_id == device_id]
        kept = _without_overlaps(points, left_out)
        is_wildcard = device_id == ANY_UNIT and len(device_ids) > 1
        units.append(ServedUnit(None if is_wildcard else device_id, tuple(kept)))
    return ServerConfiguration(configuration.connection.name, listen or _address(configuration), tuple(units)), left_out


def _address(configuration: ClientConfiguration) -> Tcp:
    address = configuration.connection.address
    return Tcp(DEFAULT_HOST, address.port if isinstance(address, Tcp) else DEFAULT_PORT)


def _without_overlaps(points: list[tuple[str, Point]], left_out: list[Problem]) -> list[ServedPoint]:
    """Return what can be served together in the order of the addresses, and note the rest in `left_out`."""
    owners: dict[tuple[RegisterType, int], list[tuple[str, Point]]] = {}
    kept: list[ServedPoint] = []
    # Wider ones first: a narrow one inside of it can be read all the same, a wide one not from half its registers.
    for uri, point in sorted(points, key=lambda owned: -owned[1].size):
        places = [(point.type, address) for address in range(point.offset, point.end)]
        rivals = [other for place in places for other in owners.get(place, ()) if not _share(point, other[1])]
        if rivals:
            other_uri, other = rivals[0]
            left_out.append(
                Problem(
                    f"{uri}/{point.id}",
                    f"left out: {_place(point)} is served as {other_uri}/{other.id} ({_place(other)})",
                )
            )
            continue
        for place in places:
            owners.setdefault(place, []).append((uri, point))
        kept.append(ServedPoint(uri, _served(point)))
    return sorted(kept, key=lambda served: (list(RegisterType).index(served.point.type), served.point.offset))


def _share(point: Point, other: Point) -> bool:
    """Tell whether two points are different bits of the same registers."""
    same = (point.offset, point.size, point.word_order, point.invert_mask)
    return (
        same == (other.offset, other.size, other.word_order, other.invert_mask)
        and point.is_part
        and other.is_part
        and not point.mask & other.mask
    )


def _served(point: Point) -> Point:
    """Return the point without what only a client does with it."""
    return replace(
        point,
        device_id=0,
        use_bool=True,
        multi_write=False,
        debounce_s=0.0,
        deadband=0.0,
        format=Format.NAKED,
    )


def _place(point: Point) -> str:
    last = f" to {point.end - 1}" if point.size > 1 else ""
    return f"{point.type} {point.offset}{last}"
