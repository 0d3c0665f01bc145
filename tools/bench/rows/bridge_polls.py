"""How often a second the bridge can poll one component, beside a loop that only reads."""

from __future__ import annotations

from typing import Final

from tools.bench.plants import one_block
from tools.bench.processes import Bench, Failed
from tools.bench.row import Figure, Row, Sample, Subject, at_least
from tools.bench.rows.bridging import LABEL, hub
from tools.bench.usage import Meter
from tools.ports import free_port

_BARE: Final = "pymodbus loop"
_REGISTERS: Final = 120
# Shorter than any answer takes: the bridge polls as fast as it can.
_PERIOD_MS: Final = 0.05
_SECONDS: Final = 5.0
# Polls that the server had answered before it was asked, and whose pubs came after.
_UNDER_WAY: Final = 2


def _ours(bench: Bench) -> Sample:
    part, port = one_block("polled", _PERIOD_MS), free_port()
    seconds = bench.scale.seconds(_SECONDS)
    with hub(bench) as site, site.serving([part], port), site.bridging([part], port) as bridge:
        site.until_bridging(bridge)
        site.until_true([part])
        before = site.requests()
        meter = Meter(bridge.pid)
        count = len(site.arrivals(seconds)[part.id])
        used, after = meter.percent(), site.requests()
    if count > after - before + _UNDER_WAY:
        raise Failed(f"{count} pubs of {after - before} requests: something was published that was not read")
    return Sample({"rate": count / seconds, "cpu": used}, count, count)


def _bare(bench: Bench) -> Sample:
    part, port = one_block("polled", _PERIOD_MS), free_port()
    with hub(bench) as site, site.serving([part], port):
        job = {"port": port, "registers": _REGISTERS, "seconds": bench.scale.seconds(_SECONDS)}
        with site.worker("poll_bare", **job) as worker:
            meter = Meter(worker.pid)
            heard = worker.hear("result")
            used = meter.percent()
    return Sample({"rate": heard["count"] / heard["seconds"], "cpu": used}, heard["count"], heard["count"])


ROWS: Final = (
    Row(
        name="bridge-polls",
        title="bridge, one component of 120 registers",
        figures=(Figure("rate", "polls/s", "rate"), Figure("cpu", "% of a core", "processor")),
        subjects=(Subject(LABEL, _ours), Subject(_BARE, _bare)),
        requirements=(at_least("rate", 0.8, _BARE),),
        note="A modbus_client that polls 110 values in 120 registers as fast as it can, and a loop of pymodbus' "
        "AsyncModbusTcpClient that reads the same and throws it away, each at a modbus_server of its own. Polls are "
        "counted as the pubs that a subscriber received; there are never more of them than the server had requests.",
    ),
)
