"""What the broker tells Prometheus: its counters as text over HTTP, on a port of its own (extra ``metrics``).

The broker's loop takes a snapshot once a second; the HTTP thread shows the last one and never touches the broker.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ess_bus.broker import description
from ess_bus.broker.core import Broker
from ess_bus.errors import EssError

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


class Metrics(Collector):
    """Serves ``http://HOST:PORT/metrics``.

    Args:
        port: the TCP port.
        host: the address to listen on.

    Raises:
        EssError: the port cannot be used.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._stats: dict[str, Any] = {}
        self._clients: list[dict[str, Any]] = []
        self._version = ""
        registry = CollectorRegistry()
        registry.register(self)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise EssError(f"cannot serve metrics on {host}:{port}: {(error.strerror or str(error)).lower()}") from None

    def take(self, broker: Broker, now: float) -> None:
        """Take a snapshot of the broker; called by its loop."""
        seen = description.describe(broker, description.ROOT, now)
        self._stats, self._clients, self._version = seen["stats"], seen["clients"], seen["version"]

    def collect(self) -> Iterator[Metric]:
        """Yield the last snapshot, as prometheus_client asks for it."""
        stats, clients = self._stats, self._clients
        if not stats:
            return
        yield InfoMetricFamily("ess_bus_broker", "The broker", {"version": self._version, "pid": str(stats["pid"])})
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"ess_bus_{name}", text, stats[name])
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"ess_bus_{name}", text, stats[name])
        for name, text in _AUDIT_COUNTERS.items() if "audit" in stats else ():
            yield CounterMetricFamily(f"ess_bus_audit_{name}", text, stats["audit"][name])
        for name, text in _CLIENT_COUNTERS.items():
            yield _by_client(CounterMetricFamily(f"ess_bus_client_{name}", text, labels=_CLIENT_LABELS), name, clients)
        for name, text in _CLIENT_GAUGES.items():
            yield _by_client(GaugeMetricFamily(f"ess_bus_client_{name}", text, labels=_CLIENT_LABELS), name, clients)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _by_client(family: Any, name: str, clients: list[dict[str, Any]]) -> Metric:
    for client in clients:
        family.add_metric([str(client[label]) for label in _CLIENT_LABELS], float(client[name]))
    metric: Metric = family
    return metric
