"""A server's configuration -> the client that reads all of it, one component per owner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from ess_bus import uri as uris
from ess_bus.errors import Problem
from modbus_bridge.config.model import (
    ANY_UNIT,
    ClientConfiguration,
    Component,
    Connection,
    Kind,
    Point,
    Serial,
    ServedPoint,
    ServerConfiguration,
    Tcp,
)

_PERIOD_S = 1.0
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - addresses that a server listens at, and nobody can connect to


def client_of(configuration: ServerConfiguration) -> tuple[ClientConfiguration, list[Problem]]:
    """Return a client of the server, and what it reads differently or not at all, with the reason.

    A component is called after the last segment of its owner's URI; with more of it, and with its unit, where
    others would have the same name.
    """
    notes: list[Problem] = []
    owned: dict[tuple[str, int | None], list[ServedPoint]] = {}
    for unit in configuration.units:
        for served in unit.points:
            owned.setdefault((served.uri, unit.device_id), []).append(served)
    names = _names(list(owned))
    components = [
        Component(names[owner], _PERIOD_S, 0.0, tuple(_points(served, owner[1], notes)))
        for owner, served in owned.items()
    ]
    connection = Connection(configuration.id, _reachable(configuration.address))
    return ClientConfiguration(connection, tuple(components)), notes


def _reachable(address: Tcp | Serial) -> Tcp | Serial:
    if isinstance(address, Tcp) and address.host in _EVERYWHERE:
        return Tcp("127.0.0.1", address.port)
    return address


def _names(owners: list[tuple[str, int | None]]) -> dict[tuple[str, int | None], str]:
    """Return a component id for each owner in each unit: as much of the URI as tells them apart, then the unit."""
    parts = {uri: uris.segments(uri) for uri, _ in owners}
    lengths = dict.fromkeys(parts, 1)
    while True:
        names = {uri: "_".join(parts[uri][-length:]) or "bus" for uri, length in lengths.items()}
        twice = {name for name, count in Counter(names.values()).items() if count > 1}
        longer = {uri for uri, name in names.items() if name in twice and lengths[uri] < len(parts[uri])}
        if not longer:
            break
        lengths |= {uri: lengths[uri] + 1 for uri in longer}
    units = Counter(uri for uri, _ in owners)
    found: dict[tuple[str, int | None], str] = {}
    for uri, device_id in owners:
        name = f"{names[uri]}_{_unit(device_id)}" if units[uri] > 1 else names[uri]
        # Texts that differ in the URI can be equal once joined: /a_b/c and /a/b_c.
        taken = set(found.values())
        found[uri, device_id] = next(text for text in _numbered(name) if text not in taken)
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1


def _unit(device_id: int | None) -> int:
    return ANY_UNIT if device_id is None else device_id


def _points(served: list[ServedPoint], device_id: int | None, notes: list[Problem]) -> Iterator[Point]:
    seen: dict[str, Point] = {}
    for one in served:
        point = replace(_readable(one, notes), device_id=_unit(device_id))
        names = (point.id, *point.keys)
        earlier = next((seen[name] for name in names if name in seen), None)
        if earlier is not None:
            notes.append(
                Problem(
                    f"{one.uri}/{point.id}",
                    f"left out: {point.type} {point.offset} has the same name as {earlier.type} {earlier.offset}",
                )
            )
            continue
        seen |= dict.fromkeys(names, point)
        yield point


def _readable(served: ServedPoint, notes: list[Problem]) -> Point:
    """Return the point as a client understands it, which needs the names of bits and values to show them."""
    point = served.point
    if point.kind is Kind.BIT_FIELD and served.last_bit:
        # The register holds the number of a bit.
        point = replace(point, kind=Kind.ENUM)
    if point.kind in (Kind.ENUM, Kind.BIT_FIELD, Kind.INDIVIDUAL_BITS) and not point.strings:
        notes.append(Problem(f"{served.uri}/{point.id}", f"read as a number: the {point.kind} has no bit_strings"))
        return replace(point, kind=Kind.NUMBER)
    return point
