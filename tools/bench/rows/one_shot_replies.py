"""What a million requests with a replyto of their own leave behind in the broker."""

from __future__ import annotations

from typing import Final

from tools.bench import registry
from tools.bench.parent import Job
from tools.bench.payload import SMALL
from tools.bench.peers.ours import NAME as OURS
from tools.bench.processes import Bench
from tools.bench.row import LOSES_NOTHING, Figure, Row, Sample, Subject, at_most
from tools.bench.usage import memory_mb

_URI: Final = "/bench/owned"
_REQUESTS: Final = 1_000_000
_DEADLINE_S: Final = 300.0


def _measure(bench: Bench) -> Sample:
    count = bench.scale.count(_REQUESTS)
    job: Job = {"uri": _URI, "size": SMALL, "count": count, "deadline_s": _DEADLINE_S}
    with bench.server(registry.system(OURS)) as server, bench.workers(server, "answer", **job) as owners:
        owners[0].hear("ready")
        with bench.workers(server, "ask_one_shot", **job) as askers:
            askers[0].hear("ready")
            before = memory_mb(server.pid)
            askers[0].tell("go")
            heard = askers[0].hear("result")
            growth = memory_mb(server.pid) - before
    return Sample({"growth": growth, "rate": heard["rate"]}, count, heard["count"])


ROWS: Final = (
    Row(
        name="replyto",
        title="1,000,000 one-shot replyto URIs",
        figures=(Figure("growth", "MB", "broker growth"), Figure("rate", "requests/s", "rate")),
        subjects=(Subject(OURS, _measure),),
        requirements=(at_most("growth", 20), LOSES_NOTHING),
        note="Requests with a new replyto URI each, under way at the same time, each answered by an owner.",
        most_runs=1,
    ),
)
