"""The sites' Modbus files as the loaders understand them, for the tests of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

from modbus_bridge.config import load_client, load_server
from modbus_bridge.config.model import ClientConfiguration, Component, Point, RegisterType, ServerConfiguration

CONFIGS = Path(__file__).parents[2] / "configs"
SITES = ("clou", "catl", "pe_pcs")

Where = tuple[RegisterType, int]


@cache
def client(site: str) -> ClientConfiguration:
    """Return what the client's file of a site means; it has no warnings."""
    configuration, warnings = load_client(CONFIGS / site / f"{site}_client.json")
    assert not warnings, [str(warning) for warning in warnings]
    return configuration


@cache
def server(site: str) -> ServerConfiguration:
    """Return what the server's file of a site means; it has no warnings."""
    configuration, warnings = load_server(CONFIGS / site / f"{site}_server.json")
    assert not warnings, [str(warning) for warning in warnings]
    return configuration


@cache
def component(site: str, name: str) -> Component:
    """Return one component of a client by its id."""
    return next(found for found in client(site).components if found.id == name)


def points(site: str) -> Iterator[Point]:
    """Yield every point that the client reads."""
    return (point for component in client(site).components for point in component.points)


@cache
def by_place(site: str) -> dict[Where, Point]:
    """Return the points that the client reads by table and first register."""
    return {(point.type, point.offset): point for point in points(site)}


def read_as(site: str) -> dict[tuple[str, str], Point]:
    """Return component URI and id -> point of the client, whatever unit it is in."""
    return {
        (f"/components/{component.id}", point.id): replace(point, device_id=0)
        for component in client(site).components
        for point in component.points
    }


def served_as(site: str) -> dict[tuple[str, str], Point]:
    """Return owner and id -> point of the server, whatever unit it is in."""
    return {
        (served.uri, served.point.id): replace(served.point, device_id=0)
        for unit in server(site).units
        for served in unit.points
    }


def overlaps(site: str) -> list[tuple[str, str]]:
    """Return the pairs of ids that claim the same register."""
    ordered = sorted(points(site), key=lambda point: (point.type, point.offset))
    return [(one.id, other.id) for one, other in pairwise(ordered) if one.type is other.type and other.offset < one.end]


def divisor(point: Point) -> Fraction:
    """Return what a read divides by, 1 for nothing."""
    return point.scale or Fraction(1)
