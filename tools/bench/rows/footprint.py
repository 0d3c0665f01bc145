"""What a broker takes for a load that a site has all day: memory and processor."""

from __future__ import annotations

import time
from typing import Final

from tools.bench.pacing import Schedule
from tools.bench.payload import SMALL
from tools.bench.peers.base import System
from tools.bench.processes import Bench
from tools.bench.row import Figure, Row, Sample
from tools.bench.rows.measuring import paced, subjects
from tools.bench.usage import Meter, memory_mb

_RATE: Final = 1000
_SECONDS: Final = 10.0


def _measure(bench: Bench, system: System) -> Sample:
    seconds = bench.scale.seconds(_SECONDS)
    schedule = Schedule(_RATE, int(_RATE * seconds))
    with paced(bench, system, schedule, size=SMALL) as paths:
        paths.start()
        meter = Meter(paths.server.pid)
        # The load goes on for so long; what is measured is its middle.
        time.sleep(seconds * 0.9)
        used, memory = meter.percent(), memory_mb(paths.server.pid)
        heard = paths.receiving[0].hear("result")
    return Sample({"cpu": used, "memory": memory}, schedule.count, heard["count"])


ROWS: Final = (
    Row(
        name="footprint",
        title="broker at 1,000 msg/s, 200 B",
        figures=(Figure("memory", "MB", "memory"), Figure("cpu", "% of a core", "processor")),
        subjects=subjects(_measure),
        note="Resident memory and processor time of the broker process alone, one publisher and one subscriber.",
        most_runs=3,
    ),
)
