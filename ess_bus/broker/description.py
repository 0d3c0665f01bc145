"""What the broker answers about itself under ``/bus``: clients, subscriptions, stats, version."""

from __future__ import annotations

import os
import time
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

# `encode_body` imports it when it is first needed: too late for a broker that has no file descriptor left.
import orjson  # noqa: F401

from ess_bus.uri import relative

if TYPE_CHECKING:
    from ess_bus.broker.clients import Client
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
    return [_client(client, now) for client in broker.clients.values()]


def _client(client: Client, now: float) -> dict[str, Any]:
    waiting, waiting_bytes = client.outbox.depth
    return {
        "name": client.name,
        "user": client.user,
        "user_is_proven": client.origin.user is not None,
        "pid": client.pid,
        "address": client.origin.address,
        "since": datetime.fromtimestamp(time.time() - (now - client.since)).astimezone().isoformat(timespec="seconds"),
        "connected_s": round(now - client.since, 3),
        "subscriptions": dict(client.subscriptions),
        "received": client.received,
        "sent": client.outbox.sent,
        "dropped": client.outbox.dropped,
        "waiting": waiting,
        "waiting_bytes": waiting_bytes,
        "lagging": client.outbox.waiting_since is not None,
    }


def _subscriptions(broker: Broker, _now: float) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for client in broker.clients.values():
        for uri in client.subscriptions:
            found.setdefault(uri, []).append(client.name)
    return dict(sorted(found.items()))


def _stats(broker: Broker, now: float) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "uptime_s": round(now - broker.started, 3),
        "clients": len(broker.clients),
        **asdict(broker.totals()),
        "unknown_dropped": broker.dropped_unknown,
        **broker.rates.per_second(),
        "waiting": sum(client.outbox.depth[0] for client in broker.clients.values()),
        "waiting_bytes": sum(client.outbox.depth[1] for client in broker.clients.values()),
        "limits": asdict(broker.limits),
        **({} if broker.gate is None else broker.gate.statistics()),
    }


def _version(_broker: Broker, _now: float) -> str:
    try:
        return version("ess-bus")
    except (PackageNotFoundError, OSError):  # run from a source tree that is not installed; no file can be opened now
        return "unknown"


_PARTS: Final = {"clients": _clients, "stats": _stats, "subscriptions": _subscriptions, "version": _version}
