"""How long a message is under way while the bus has a fixed, moderate load."""

from __future__ import annotations

from typing import Final

from tools.bench.pacing import Schedule
from tools.bench.payload import SMALL
from tools.bench.peers.base import System
from tools.bench.processes import Bench
from tools.bench.row import Figure, Row, Sample
from tools.bench.rows.measuring import complete, paced, subjects

_RATE: Final = 5000
_SECONDS: Final = 5.0


def _measure(bench: Bench, system: System) -> Sample:
    schedule = Schedule(_RATE, int(_RATE * bench.scale.seconds(_SECONDS)))
    with paced(bench, system, schedule, size=SMALL) as paths:
        paths.start()
        heard = paths.receiving[0].hear("result")
    return Sample({name: complete(heard, name) for name in ("p50", "p99")}, schedule.count, heard["count"])


ROWS: Final = (
    Row(
        name="latency",
        title="latency at 5,000 msg/s, 200 B",
        figures=(Figure("p50", "us", "p50"), Figure("p99", "us", "p99")),
        subjects=subjects(_measure),
        note="The publisher keeps a schedule; the latency of a message counts from the moment it was due, so that "
        "what waits behind a slow one is counted too.",
    ),
)
