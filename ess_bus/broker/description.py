"""What the broker answers about itself under ``/bus``: clients, subscriptions, stats, version."""

from __future__ import annotations

import os
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

from ess_bus.uri import relative

if TYPE_CHECKING:
    from ess_bus.broker.core import Broker

ROOT: Final = "/bus"


def describe(broker: Broker, uri: str, now: float) -> Any:
    """Return the answer to ``get uri``, or ``None`` if there is nothing under it."""
    match relative(uri, ROOT):
        case ():
            return {name: part(broker, now) for name, part in _PARTS.items()}
        case (name,) if name in _PARTS:
            return _PARTS[name](broker, now)
    return None


def _clients(broker: Broker, now: float) -> list[dict[str, Any]]:
    return [
        {
            "name": client.name,
            "user": client.user,
            "pid": client.pid,
            "connected_s": round(now - client.since, 3),
            "subscriptions": dict(client.subscriptions),
            "received": client.received,
            "sent": client.sent,
            "dropped": client.dropped,
            "lagging": client.lagging_since is not None,
        }
        for client in broker.clients.values()
    ]


def _subscriptions(broker: Broker, _now: float) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for client in broker.clients.values():
        for uri in client.subscriptions:
            found.setdefault(uri, []).append(client.name)
    return dict(sorted(found.items()))


def _stats(broker: Broker, _now: float) -> dict[str, Any]:
    counters = {**asdict(broker.statistics), "unknown_dropped": broker.dropped_unknown}
    return {"pid": os.getpid(), "clients": len(broker.clients), **counters}


def _version(_broker: Broker, _now: float) -> str:
    try:
        return version("ess-bus")
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "unknown"


_PARTS: Final = {"clients": _clients, "stats": _stats, "subscriptions": _subscriptions, "version": _version}
