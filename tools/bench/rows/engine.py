"""What a site's values cost in the engine: how long they take through it, and what it takes for that."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ess_bus.client import Bus
from tools.bench import maps
from tools.bench.pacing import Schedule
from tools.bench.processes import Bench, Failed
from tools.bench.quantiles import percentile
from tools.bench.row import LOSES_NOTHING, Figure, Row, Sample, Subject, at_most
from tools.bench.rows.bridging import hub
from tools.bench.usage import Meter, memory_mb

_RATE: Final = 100
_SECONDS: Final = 20.0
_LEAST_S: Final = 3.0
_ENGINE: Final = "ess_controller"
_BARE: Final = "decode and publish"
# What is under way when the last message has been sent has time to arrive.
_LAST_S: Final = 2.0
_INBOX: Final = 100_000
# Stamps below it are what the map began with.
_FIRST: Final = 1000


@dataclass(slots=True)
class _Path:
    """A running thing that takes the pubs of devices and publishes what becomes of them."""

    bus: Bus
    pid: int
    delays_ms: list[float] = field(default_factory=list)
    gets_us: list[float] = field(default_factory=list)

    def load(self, seconds: float, *, asking: bool = False) -> int:
        """Publish at the fixed rate for a while; return how many messages were sent.

        Args:
            seconds: how long.
            asking: ask for values in between, and time that instead of the pubs.
        """
        schedule = Schedule(_RATE, int(_RATE * seconds), maps.DEVICES)
        with self.bus.subscribe("/ess/status", pub_only=True, size=_INBOX) as messages:
            start_ns = time.monotonic_ns() + 10_000_000
            for number in range(schedule.count + 1):
                due_ns = start_ns + schedule.due_ns(number) + (int(_LAST_S * 1e9) if number == schedule.count else 0)
                while (left := (due_ns - time.monotonic_ns()) / 1e9) > 0:
                    if asking and left > 0.002:
                        self._ask(number)
                        continue
                    message = messages.receive(left)
                    stamp = -1 if message is None else message.json().get(maps.STAMP, -1)
                    if stamp >= _FIRST:
                        sent_ns = start_ns + schedule.due_ns(stamp - _FIRST)
                        self.delays_ms.append((time.monotonic_ns() - sent_ns) / 1e6)
                    if number == schedule.count and len(self.delays_ms) >= schedule.count:
                        break
                if number < schedule.count:
                    device = schedule.uri(number)
                    self.bus.publish(maps.device_uri(device), maps.values(_FIRST + number))
        return schedule.count

    def _ask(self, number: int) -> None:
        uri = f"/ess{maps.status_uri(number % maps.DEVICES)}/v{number % maps.VALUES}"
        before_ns = time.monotonic_ns()
        self.bus.get(uri)
        self.gets_us.append((time.monotonic_ns() - before_ns) / 1e3)


def _ours(bench: Bench) -> Sample:
    with _engine(bench) as path:
        return _pubs(bench, path)


def _bare(bench: Bench) -> Sample:
    with hub(bench) as site, site.worker("copy") as worker:
        worker.hear("ready")
        return _pubs(bench, _Path(site.bus, worker.pid))


def _pubs(bench: Bench, path: _Path) -> Sample:
    meter = Meter(path.pid)
    sent = path.load(_seconds(bench))
    used, delays = meter.percent(), sorted(path.delays_ms)
    values = {"p50": percentile(delays, 50), "p99": percentile(delays, 99), "cpu": used, "memory": memory_mb(path.pid)}
    return Sample(values, sent, len(delays))


def _gets(bench: Bench) -> Sample:
    with _engine(bench) as path:
        path.load(_seconds(bench) / 2, asking=True)
        delays = sorted(path.gets_us)
    return Sample({f"p{percent}": percentile(delays, percent) for percent in (50, 99)}, len(delays), len(delays))


@contextmanager
def _engine(bench: Bench) -> Iterator[_Path]:
    with hub(bench) as site, site.process("ess_bus.engine.command", maps.configuration(), "map") as process:
        site.until_ready(process, _ENGINE)
        site.bus.publish(maps.device_uri(0), maps.values(1))
        deadline = time.monotonic() + _LEAST_S
        while site.bus.get(f"/ess{maps.status_uri(0)}/{maps.STAMP}") != 1:
            if time.monotonic() > deadline:
                raise Failed("the engine does not take values")
        yield _Path(site.bus, process.pid)


def _seconds(bench: Bench) -> float:
    return max(_LEAST_S, bench.scale.seconds(_SECONDS))


_MAP: Final = f"{maps.variables():,} variables, {_RATE} pubs/s of {maps.VALUES} values"

ROWS: Final = (
    Row(
        name="engine",
        title=f"engine, {_MAP}",
        figures=(
            Figure("p50", "ms", "pub to pub p50"),
            Figure("p99", "ms", "pub to pub p99"),
            Figure("cpu", "% of a core", "processor"),
            Figure("memory", "MB", "memory"),
        ),
        subjects=(Subject(_ENGINE, _ours), Subject(_BARE, _bare)),
        requirements=(at_most("p99", 5), LOSES_NOTHING),
        note=f"{maps.DEVICES} devices publish {maps.VALUES} changed values each; every value is copied by a remap, and "
        f"{maps.monitors()} of them are watched by a monitor ten times a second. A pub counts from the moment it was "
        "due until a subscriber has what the engine made of it. Beside it a process that only decodes each pub and "
        "publishes it again.",
        most_runs=2,
    ),
    Row(
        name="engine-get",
        title=f"get at the engine, {_MAP}",
        figures=(Figure("p50", "us", "p50"), Figure("p99", "us", "p99")),
        subjects=(Subject(_ENGINE, _gets),),
        note="Gets of one value after the other between the pubs of the same load.",
        most_runs=2,
    ),
)
