"""The registries, in the order of the tables.

A new benchmark is a file in `rows/` with ``ROWS`` in it, a new peer one in `peers/` with ``SYSTEMS``, and its name
here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tools.bench.peers.base import System
    from tools.bench.row import Row

_PEERS: Final = ("ours", "zmq_proxy", "nats", "mosquitto", "redis")
_ROWS: Final = (
    "throughput",
    "asynchronous",
    "round_trip",
    "latency",
    "start_to_exit",
    "footprint",
    "stopped_subscriber",
    "one_shot_replies",
    "bridge_polls",
    "bridge_site",
    "bridge_dead",
    "engine",
    "expressions",
    "calculating",
    "plant_tick",
    "demo_site",
    "dashboard",
)


@cache
def systems() -> tuple[System, ...]:
    """Return all systems, ours first."""
    return tuple(_gathered("peers", _PEERS, "SYSTEMS"))


@cache
def rows() -> tuple[Row, ...]:
    """Return all rows."""
    return tuple(_gathered("rows", _ROWS, "ROWS"))


def system(name: str) -> System:
    """Return one system.

    Raises:
        KeyError: there is none of that name.
    """
    return {each.name: each for each in systems()}[name]


def _gathered(folder: str, files: tuple[str, ...], attribute: str) -> list[Any]:
    return [each for name in files for each in getattr(import_module(f"tools.bench.{folder}.{name}"), attribute)]
