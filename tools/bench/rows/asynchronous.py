"""What the asynchronous client costs: `AsyncBus` beside `Bus`."""

from __future__ import annotations

from typing import Final

from tools.bench import registry
from tools.bench.payload import SMALL
from tools.bench.peers.base import System
from tools.bench.peers.ours import ASYNC_NAME
from tools.bench.peers.ours import NAME as BLOCKING_NAME
from tools.bench.processes import Bench
from tools.bench.row import LOSES_NOTHING, Figure, Row, Sample, at_least
from tools.bench.rows.measuring import flood, subject


def _measure(bench: Bench, system: System) -> Sample:
    return flood(bench, system, publishers=1, subscribers=1, size=SMALL, count=200_000)


ROWS: Final = (
    Row(
        name="async",
        title="AsyncBus 1 -> 1, 200 B",
        figures=(Figure("rate", "msg/s"),),
        subjects=tuple(subject(registry.system(name), _measure) for name in (ASYNC_NAME, BLOCKING_NAME)),
        requirements=(at_least("rate", 0.6, BLOCKING_NAME), LOSES_NOTHING),
        note="As 1 -> 1, publisher and subscriber both with AsyncBus; beside it the same with Bus.",
    ),
)
