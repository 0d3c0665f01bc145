"""What the broker tells Prometheus of itself and of its clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ess_bus.broker import description
from ess_bus.broker.core import Broker
from ess_bus.service.measures import Kind, Measure, Sample, counter, gauge, info

_COUNTERS: Final = {
    "messages": "Messages received from clients, replies included",
    "deliveries": "Copies of messages handed to clients",
    "dropped": "Copies lost because a client did not read",
    "undelivered": "Commands and replies that reached nobody",
    "denied": "Messages and subscriptions that a rule refused",
    "pubs_unheard": "Pubs that nobody had subscribed to",
    "replies_unclaimed": "Replies that nobody waits for any more",
    "protocol_errors": "Frames that were not understood",
    "unknown_dropped": "Frames of connections that never said hello",
}
_GAUGES: Final = {
    "clients": "Connected clients",
    "waiting": "Messages that wait in the broker for clients that lag",
    "waiting_bytes": "Bytes that wait in the broker for clients that lag",
    "uptime_s": "Seconds since the broker started",
}
_AUDIT_COUNTERS: Final = {
    "written": "Lines written to the audit trail",
    "lost": "Lines of the audit trail that could not be written",
}
_CLIENT_LABELS: Final = ("name", "user", "pid", "address")
_CLIENT_COUNTERS: Final = {
    "received": "Messages received from a client",
    "sent": "Messages handed to a client",
    "dropped": "Messages for a client that were lost because it did not read",
}
_CLIENT_GAUGES: Final = {
    "waiting": "Messages that wait for a client",
    "waiting_bytes": "Bytes that wait for a client",
    "lagging": "1 while something waits for a client",
    "connected_s": "Seconds since a client said hello",
}


def measures(broker: Broker, now: float) -> Iterator[Measure]:
    """Yield what the broker counts at this moment, of itself and of each of its clients."""
    seen = description.describe(broker, description.ROOT, now)
    stats, clients = seen["stats"], seen["clients"]
    yield info("ess_bus_broker", "The broker", {"version": seen["version"], "pid": str(stats["pid"])})
    for name, text in _COUNTERS.items():
        yield counter(f"ess_bus_{name}", text, stats[name])
    for name, text in _GAUGES.items():
        yield gauge(_named(f"ess_bus_{name}"), text, stats[name])
    for name, text in _AUDIT_COUNTERS.items() if "audit" in stats else ():
        yield counter(f"ess_bus_audit_{name}", text, stats["audit"][name])
    for kind, texts in ((Kind.COUNTER, _CLIENT_COUNTERS), (Kind.GAUGE, _CLIENT_GAUGES)):
        for name, text in texts.items():
            yield Measure(_named(f"ess_bus_client_{name}"), kind, text, [_sample(client, name) for client in clients])


def _named(name: str) -> str:
    """Return the name that Prometheus expects: it writes units out."""
    return name.removesuffix("_s") + "_seconds" if name.endswith("_s") else name


def _sample(client: dict[str, Any], name: str) -> Sample:
    return Sample(float(client[name]), {label: str(client[label]) for label in _CLIENT_LABELS})
