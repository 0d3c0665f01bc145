"""What one subscriber that stops reading costs the others, and what it finds when it goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from tools.bench import registry
from tools.bench.pacing import Schedule
from tools.bench.payload import SMALL
from tools.bench.peers.ours import NAME as OURS
from tools.bench.processes import Bench
from tools.bench.row import LOSES_NOTHING, Figure, Row, Sample, Subject, at_most
from tools.bench.rows.measuring import Paths, complete, paced
from tools.bench.usage import memory_mb

_RATE: Final = 10_000
_URIS: Final = 100
# These are silent from a while before the stopped one goes on: what it has of them was kept for it.
_QUIET: Final = 10
_SUBSCRIBERS: Final = 10
_BEFORE_S, _STOPPED_S, _AFTER_S = 3.0, 30.0, 5.0
_LOOK_EVERY_S: Final = 0.1
_WITHOUT: Final = "without a stop"
# The broker's own limit for what waits for one client, 64 MiB.
_LIMIT_MB: Final = 67


def _measure(bench: Bench, *, stop: bool) -> Sample:
    before_s, stopped_s, after_s = (bench.scale.seconds(each) for each in (_BEFORE_S, _STOPPED_S, _AFTER_S))
    schedule = Schedule(
        _RATE, int(_RATE * (before_s + stopped_s + after_s)), _URIS, _QUIET, int(_RATE * (before_s + 0.9 * stopped_s))
    )
    with _running(bench, schedule) as paths:
        pid, started_s = paths.server.pid, paths.start() / 1e9
        _sleep_until(started_s + before_s)
        calm = memory_mb(pid)
        chosen = paths.receiving[-1].popen
        if stop:
            chosen.send_signal(signal.SIGSTOP)
        peak = max(_looks(pid, started_s + before_s + stopped_s))
        chosen.send_signal(signal.SIGCONT)
        sent = paths.sending[0].hear("result")["sent"]
        *others, one = (worker.hear("result") for worker in paths.receiving)
        peak = max(peak, memory_mb(pid, "VmHWM"))
    values = {
        "p99": max(complete(each, "p99") for each in others),
        "growth": peak - calm,
        **_accounts(one, schedule, sent),
    }
    return Sample(values, schedule.count * len(others), sum(each["count"] for each in others))


def _accounts(one: dict[str, Any], schedule: Schedule, sent: int) -> dict[str, float]:
    """Return what the stopped one lacks, and whether what it received and what was dropped make up what was sent."""
    outdated = sum(has != last for has, last in zip(one["newest"], schedule.newest(), strict=True))
    return {
        "dropped": one["dropped"],
        "outdated": outdated,
        "unaccounted": abs(sent - one["taken"] - one["dropped"]),
    }


def _running(bench: Bench, schedule: Schedule) -> AbstractContextManager[Paths]:
    roles = {"send": "pace_once", "receive": "keep_newest"}
    return paced(bench, registry.system(OURS), schedule, subscribers=_SUBSCRIBERS, size=SMALL, **roles)


def _looks(pid: int, until_s: float) -> Iterator[float]:
    """Look at the memory of a process now and then."""
    while True:
        yield memory_mb(pid)
        if time.monotonic() >= until_s:
            return
        time.sleep(_LOOK_EVERY_S)


def _sleep_until(moment_s: float) -> None:
    time.sleep(max(0.0, moment_s - time.monotonic()))


ROWS: Final = (
    Row(
        name="stopped",
        title="1 of 10 subscribers stopped",
        figures=(
            Figure("p99", "us", "p99 of the others"),
            Figure("growth", "MB", "broker growth"),
            Figure("dropped", "messages", "dropped"),
            Figure("outdated", "URIs", "not the newest"),
            Figure("unaccounted", "messages", "unaccounted for"),
        ),
        subjects=(
            Subject(OURS, lambda bench: _measure(bench, stop=True)),
            Subject(_WITHOUT, lambda bench: _measure(bench, stop=False)),
        ),
        requirements=(
            at_most("p99", 3, _WITHOUT),
            at_most("growth", _LIMIT_MB),
            at_most("outdated", 0),
            at_most("unaccounted", 0),
            LOSES_NOTHING,
        ),
        note=f"{_RATE:,} pub/s over {_URIS} URIs; SIGSTOP for {_STOPPED_S:g} s, then SIGCONT while publishing goes on, "
        f"except on {_QUIET} URIs that are silent by then. *p99* is that of the slowest of the others, *arrived* and "
        "*lost* are theirs. *Broker growth* is its peak over its size before the stop, and may be what one client's "
        "queue may hold. *Dropped* is what the stopped one was told, *not the newest* are URIs whose last value it "
        "lacks, *unaccounted for* is what it neither received nor was told of. Beside it the same without a stop.",
        most_runs=3,
    ),
)
