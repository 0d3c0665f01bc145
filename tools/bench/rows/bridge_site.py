"""What a bridge takes for a large device at the device's own pace, and how punctual it is."""

from __future__ import annotations

from typing import Final

from tools.bench.peers.base import free_port
from tools.bench.plants import battery
from tools.bench.processes import Bench, Failed
from tools.bench.quantiles import percentile
from tools.bench.regularity import lateness
from tools.bench.row import Figure, Row, Sample, Subject
from tools.bench.rows.bridging import LABEL, hub
from tools.bench.usage import Meter, memory_mb

_SECONDS: Final = 20.0
# Each component comes once a second; a quick run must see some of each.
_LEAST_S: Final = 4.0


def _measure(bench: Bench) -> Sample:
    parts, port = battery(), free_port()
    seconds = max(_LEAST_S, bench.scale.seconds(_SECONDS))
    with hub(bench) as site, site.serving(parts, port), site.bridging(parts, port) as bridge:
        site.until_bridging(bridge)
        site.until_true(parts)
        meter = Meter(bridge.pid)
        arrivals = site.arrivals(seconds)
        used, memory = meter.percent(), memory_mb(bridge.pid)
    late = sorted(1000 * each for part in parts for each in lateness(arrivals.get(part.id, []), part.period_ms / 1000))
    if not late:
        raise Failed("nothing was published")
    count = len(late)
    return Sample({"cpu": used, "memory": memory, "p99": percentile(late, 99), "max": late[-1]}, count, count)


ROWS: Final = (
    Row(
        name="bridge-site",
        title="bridge, 1,562 values once a second",
        figures=(
            Figure("cpu", "% of a core", "processor"),
            Figure("memory", "MB", "memory"),
            Figure("p99", "ms", "p99 lateness"),
            Figure("max", "ms", "most lateness"),
        ),
        subjects=(Subject(LABEL, _measure),),
        note="22 components in 61 groups of one device, all due at the same moment; processor time and resident memory "
        "of the modbus_client process alone. Lateness is that of the pubs at a subscriber, against a grid through the "
        "earliest one of each component.",
        most_runs=2,
    ),
)
