"""What a process tells Prometheus: its measures as text over HTTP, on a port of its own (extra ``metrics``).

The loop of the process hands over a snapshot once a second; the HTTP thread shows the last one, nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ess_bus.errors import EssError
from ess_bus.service.measures import Kind, Measure, counter, gauge
from ess_bus.service.usage import usage

# A snapshot that is older than this is not shown: the loop that took it hangs, and nothing of it need be true any more.
OLDEST_S: Final = 10.0
_FAMILIES: Final = {
    Kind.COUNTER: CounterMetricFamily,
    Kind.GAUGE: GaugeMetricFamily,
    Kind.INFO: InfoMetricFamily,
}


class Exporter(Collector):
    """Serves ``http://HOST:PORT/metrics``.

    Args:
        host: the address to listen on.
        port: the TCP port.

    Raises:
        EssError: the port cannot be used.
    """

    def __init__(self, host: str, port: int) -> None:
        self._taken: tuple[float, Sequence[Measure]] = (time.monotonic(), ())
        registry = CollectorRegistry()
        registry.register(self)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise EssError(f"cannot serve metrics on {host}:{port}: {(error.strerror or str(error)).lower()}") from None

    def take(self, measures: Iterable[Measure]) -> None:
        """Take a snapshot; called by the process's loop."""
        self._taken = (time.monotonic(), tuple(measures))

    def collect(self) -> Iterator[Metric]:
        """Yield what the process uses, and the last snapshot if it is not too old, as prometheus_client asks for it."""
        taken_s, measures = self._taken
        age_s = time.monotonic() - taken_s
        yield from map(_family, _of_process(age_s))
        if age_s <= OLDEST_S:
            yield from map(_family, measures)

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _of_process(age_s: float) -> Iterator[Measure]:
    used = usage()
    yield gauge("ess_process_uptime_seconds", "Seconds since the process began", used.uptime_s)
    yield counter("ess_process_cpu_seconds", "Seconds of the processor that the process took", used.cpu_s)
    yield gauge("ess_process_resident_bytes", "Memory of the process", used.rss_bytes)
    text = f"Seconds since the loop of the process was last seen; above {OLDEST_S:g} nothing else of it is shown"
    yield gauge("ess_process_beat_age_seconds", text, age_s)


def _family(measure: Measure) -> Metric:
    labels = list(measure.samples[0].labels) if measure.samples else []
    if measure.kind is Kind.INFO:
        return InfoMetricFamily(measure.name, measure.text, dict(measure.samples[0].labels))
    family: Any = _FAMILIES[measure.kind](measure.name, measure.text, labels=labels)
    for sample in measure.samples:
        family.add_metric([sample.labels[label] for label in labels], sample.value)
    metric: Metric = family
    return metric
