"""How long a request takes that another process answers."""

from __future__ import annotations

from typing import Final

from tools.bench.parent import Job
from tools.bench.payload import LARGE, SMALL
from tools.bench.peers.base import System
from tools.bench.processes import Bench
from tools.bench.row import Figure, Requirement, Row, Sample, at_most
from tools.bench.rows.measuring import complete, subjects

_URI: Final = "/bench/owned"
_REQUESTS: Final = 5000
_WARM_UP: Final = 100


def _row(size: int, words: str, *required: Requirement) -> Row:
    def measure(bench: Bench, system: System) -> Sample:
        count = bench.scale.count(_REQUESTS)
        job: Job = {"uri": _URI, "size": size, "count": count, "warm_up": _WARM_UP}
        with bench.server(system) as server, bench.workers(server, "answer", **job) as owners:
            owners[0].hear("ready")
            with bench.workers(server, "ask", **job) as askers:
                heard = askers[0].hear("result")
        return Sample({name: complete(heard, name) for name in ("p50", "p99")}, count, heard["count"])

    return Row(
        name=f"get-{size}",
        title=f"get round trip, {words}",
        figures=(Figure("p50", "us", "p50"), Figure("p99", "us", "p99")),
        subjects=subjects(measure, answering=True),
        requirements=required,
        note="One request after the other, answered by another process. Ours decodes the JSON of the answer; nats "
        "and mosquitto (MQTT 5 response topics) leave bytes. libzmq's proxy and redis have no requests.",
    )


ROWS: Final = (_row(SMALL, "200 B", at_most("p50", 0.6, "nats")), _row(LARGE, "5 kB"))
