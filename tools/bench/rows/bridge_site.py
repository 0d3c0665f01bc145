"""What a bridge takes for a large device at the device's own pace, and how punctual it is."""

from __future__ import annotations

from typing import Final

from tools.bench.plants import battery
from tools.bench.processes import Bench, Failed
from tools.bench.quantiles import percentile
from tools.bench.regularity import lateness
from tools.bench.row import Figure, Row, Sample, Subject
from tools.bench.rows.bridging import LABEL, hub
from tools.bench.usage import Meter, memory_mb
from tools.ports import free_port

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
        ticks = [site.statistics(part)["tick_lateness_ms"] for part in parts]
    late = sorted(1000 * each for part in parts for each in lateness(arrivals.get(part.id, []), part.period_ms / 1000))
    if not late:
        raise Failed("nothing was published")
    values = {
        "cpu": used,
        "memory": memory,
        "tick_p99": max(tick["p99"] for tick in ticks),
        "tick_max": max(tick["max"] for tick in ticks),
        "pub_p99": percentile(late, 99),
        "pub_max": late[-1],
    }
    return Sample(values, len(late), len(late))


ROWS: Final = (
    Row(
        name="bridge-site",
        title="bridge, 1,562 values once a second",
        figures=(
            Figure("cpu", "% of a core", "processor"),
            Figure("memory", "MB", "memory"),
            Figure("tick_p99", "ms", "p99 lateness of ticks"),
            Figure("tick_max", "ms", "most lateness of ticks"),
            Figure("pub_p99", "ms", "p99 lateness of pubs"),
            Figure("pub_max", "ms", "most lateness of pubs"),
        ),
        subjects=(Subject(LABEL, _measure),),
        note="22 components in 61 groups of one device, all due at the same moment; processor time and resident memory "
        "of the modbus_client process alone. A tick is late when its poll begins after it was due, as the bridge "
        "counts it (`_stats`, the worst component, its start included). A pub is late against a grid through the "
        "earliest one of its component, at a subscriber: the reads of all others that were due may lie between.",
        most_runs=2,
    ),
)
