"""What the bus notices of a dashboard: 2,000 variables at 10 Hz, and a page that shows all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Final

from ess_bus.client import Bus
from tools import chromium
from tools.bench import registry
from tools.bench.pacing import Schedule
from tools.bench.pages import Dashboard, dashboard, drawn, reader
from tools.bench.parent import Job
from tools.bench.payload import SMALL
from tools.bench.peers.ours import NAME as OURS
from tools.bench.processes import Bench
from tools.bench.row import LOSES_NOTHING, Figure, Row, Sample, Subject, at_most
from tools.bench.rows.measuring import complete, paced
from tools.bench.usage import Meter, memory_mb

_TABLES: Final = 20
_VALUES: Final = 100
_EVERY_S: Final = 0.1
_LOAD: Final = "/components/large"
_OWNED: Final = "/bench/owned"
_PUBS_PER_S: Final = 200
_PAUSE_S: Final = 0.01
_SECONDS: Final = 20.0
_LEAST_S: Final = 3.0
_LABEL: Final = "ess_web, one page"
_WITHOUT: Final = "without"
_BROWSER: Final = "in Chromium"

Page = Callable[[Dashboard, Sequence[str]], AbstractContextManager[None]]


def _measure(bench: Bench, page: Page | None) -> Sample:
    seconds = max(_LEAST_S, bench.scale.seconds(_SECONDS))
    schedule = Schedule(_PUBS_PER_S, int(_PUBS_PER_S * seconds))
    uris = [f"{_LOAD}_{table}/value_{value}" for table in range(_TABLES) for value in range(_VALUES)]
    asked: Job = {"uri": _OWNED, "size": SMALL, "count": int(seconds / _PAUSE_S / 2), "warm_up": 50}
    load: Job = {"uri": _LOAD, "tables": _TABLES, "values": _VALUES, "every_s": _EVERY_S}
    with ExitStack() as stack:
        paths = stack.enter_context(paced(bench, registry.system(OURS), schedule, size=SMALL))
        owner, *_ = stack.enter_context(bench.workers(paths.server, "answer", **asked))
        owner.hear("ready")
        stack.enter_context(bench.workers(paths.server, "publish_tables", **load))
        values, meter = {}, None
        if page is not None:
            site = stack.enter_context(dashboard(paths.server.address))
            stack.enter_context(page(site, uris))
            meter = Meter(site.pid)
        paths.start()
        (asker,) = stack.enter_context(bench.workers(paths.server, "ask", pause_s=_PAUSE_S, **asked))
        gets, pubs = asker.hear("result"), paths.receiving[0].hear("result")
        if meter is not None:
            values = {"cpu": meter.percent(), "memory": memory_mb(site.pid), "dropped": _dropped(paths.server.address)}
    for name in ("p50", "p99"):
        values |= {f"get_{name}": complete(gets, name), f"pub_{name}": complete(pubs, name)}
    return Sample(values, schedule.count + asked["count"], pubs["count"] + gets["count"])


def _dropped(address: str) -> float:
    with Bus(address, name="bench") as bus:
        return float(sum(one["dropped"] for one in bus.get("/bus/clients") if one["name"] == "ess_web"))


ROWS: Final = (
    Row(
        name="dashboard",
        title="2,000 variables at 10 Hz",
        figures=(
            Figure("get_p50", "us", "get, p50"),
            Figure("get_p99", "us", "get, p99"),
            Figure("pub_p50", "us", "pub, p50"),
            Figure("pub_p99", "us", "pub, p99"),
            Figure("cpu", "% of a core", "processor of ess_web"),
            Figure("memory", "MB", "memory of ess_web"),
            Figure("dropped", "messages", "dropped for ess_web"),
        ),
        subjects=(
            Subject(_LABEL, lambda bench: _measure(bench, reader)),
            Subject(_WITHOUT, lambda bench: _measure(bench, None)),
            Subject(_BROWSER, lambda bench: _measure(bench, drawn), chromium.missing()),
        ),
        requirements=(
            at_most("get_p50", 2, _WITHOUT),
            at_most("pub_p50", 2, _WITHOUT),
            at_most("dropped", 0),
            LOSES_NOTHING,
        ),
        note=f"{_TABLES} tables of {_VALUES} values, all of which change every {_EVERY_S:g} s, and a page that is told "
        "all of them; beside it the round trips of a client that asks another one some 90 times a second, and the way "
        f"of {_PUBS_PER_S} pub/s of 200 B. The same without a dashboard, and with a page that headless Chromium draws "
        "on this machine, whose processors it then shares with the bus.",
        most_runs=2,
    ),
)
