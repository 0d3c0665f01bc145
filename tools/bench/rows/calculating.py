"""What a site's calculators take when everything changes, and how soon a result follows its operands."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from calculator.core import Calculator
from calculator.discovery import discover
from calculator.operands import Tree
from ess_bus.client import Bus, Subscription
from ess_bus.errors import BusError
from tools.bench import registry
from tools.bench.calculators import COUNT, Tables, definitions, operands
from tools.bench.peers.ours import NAME as OURS
from tools.bench.processes import Bench, Failed, Process
from tools.bench.quantiles import percentile
from tools.bench.row import Figure, Row, Sample, Subject, at_most

_TICKS: Final = 1000
_RATE_S: Final = 0.1
_SINGLES: Final = 1000
_LABEL: Final = "calculator"
_READY_WITHIN_S: Final = 30.0
_ANSWER_WITHIN_S: Final = 5.0


def _tick(bench: Bench) -> Sample:
    tables = definitions(_RATE_S)
    calculator = Calculator(discover(tables, Tree.of_tables(tables, "ess")))
    took, right = [], 0
    for tick in range(1, bench.scale.count(_TICKS) + 1):
        now, values = tick * _RATE_S, operands(tick)
        began = time.perf_counter()
        for table, members in values.items():
            calculator.update(table, members, now)
        results = calculator.results(now)
        for table, changed in results.items():
            calculator.has_set(table, changed, now)
        took.append(1000 * (time.perf_counter() - began))
        right += sum(state.ran_s == now for state in calculator.states)
    took.sort()
    values_ = {"p50": percentile(took, 50), "p99": percentile(took, 99)}
    return Sample(values_, COUNT * len(took), right)


def _follow(bench: Bench) -> Sample:
    tables = definitions(0.0)
    tables["/components/single"] = {"v": 0}
    tables["/status/single"] = {"r": {"value": 0, "numVars": 1, "variable1": "/components/single:v", "operation": "+"}}
    tables["/schedule/wake_monitor/single"] = {"/status/single:r": {"rate": 0, "func": "CalculateVar"}}
    with _site(bench, tables) as bus, bus.subscribe("/ess/status", pub_only=True) as heard:
        single = sorted(_single(bus, heard, number) for number in range(1, bench.scale.count(_SINGLES) + 1))
        ticks = sorted(_all(bus, heard, tick) for tick in range(2, bench.scale.count(_TICKS // 10) + 2))
    values = {"p50": percentile(single, 50), "p99": percentile(single, 99)}
    values |= {"all_p50": percentile(ticks, 50), "all_p99": percentile(ticks, 99)}
    return Sample(values, len(single) + len(ticks), len(single) + len(ticks))


def _single(bus: Bus, heard: Subscription, value: int) -> float:
    """Return the milliseconds from the pub of an operand to that of the result."""
    began = time.perf_counter()
    bus.publish("/components/single", {"v": value})
    while True:
        uri, body = _next(heard)
        if uri == "/ess/status/single" and body.get("r") == value:
            return 1000 * (time.perf_counter() - began)


def _all(bus: Bus, heard: Subscription, tick: int) -> float:
    """Return the milliseconds from the pubs of all operands to that of the last result that changes with them."""
    awaited = {f"/ess/status/c{number % 10}": f"r{number}" for number in range(10)}
    began = time.perf_counter()
    for table, values in operands(tick).items():
        bus.publish(table, values)
    while awaited:
        uri, body = _next(heard)
        if awaited.get(uri) in body:
            del awaited[uri]
    return 1000 * (time.perf_counter() - began)


def _next(heard: Subscription) -> tuple[str, dict[str, object]]:
    message = heard.receive(_ANSWER_WITHIN_S)
    if message is None:
        raise Failed(f"no result within {_ANSWER_WITHIN_S:g} s")
    body = message.json()
    return message.uri, body if isinstance(body, dict) else {}


@contextmanager
def _site(bench: Bench, tables: Tables) -> Iterator[Bus]:
    """Run a broker, an engine with these tables and a calculator; begin when the results are there."""
    with (
        bench.server(registry.system(OURS)) as server,
        tempfile.TemporaryDirectory(prefix="eb-") as folder,
        Bus(server.address, name="bench") as bus,
    ):
        file = Path(folder) / "site.json"
        file.write_text(json.dumps(tables))
        command = [sys.executable, "-m"]
        with (
            Process([*command, "ess_bus.engine.command", str(file), "--bus", server.address]) as engine,
            Process([*command, "calculator.command", "--bus", server.address]) as calculator,
        ):
            _until_ready(bus, engine, calculator)
            yield bus


def _until_ready(bus: Bus, *processes: Process) -> None:
    for table, values in operands(1).items():
        bus.publish(table, values)
    deadline = time.monotonic() + _READY_WITHIN_S
    while True:
        try:
            if len(bus.get("/calculator/ess", timeout_s=1.0)) > COUNT:
                return
        except BusError:
            pass
        if time.monotonic() > deadline or any(process.popen.poll() is not None for process in processes):
            raise Failed(f"the site did not start: {'; '.join(process.last_words() for process in processes)}")
        time.sleep(0.02)


ROWS: Final = (
    Row(
        name="calculator-tick",
        title=f"{COUNT} calculators, all operands changing",
        figures=(Figure("p50", "ms", "p50 of a tick"), Figure("p99", "ms", "p99 of a tick")),
        subjects=(Subject(_LABEL, _tick),),
        requirements=(at_most("p50", 3),),
        note="The calculator's core alone, in one process: all new values taken, every result calculated and handed "
        "out, in the kinds and numbers in which real sites use them. *Lost* are results that were not calculated.",
    ),
    Row(
        name="calculator-follows",
        title="from the pub of an operand to that of the result",
        figures=(
            Figure("p50", "ms", "p50, one of them"),
            Figure("p99", "ms", "p99, one of them"),
            Figure("all_p50", "ms", f"p50, all {COUNT} at once"),
            Figure("all_p99", "ms", f"p99, all {COUNT} at once"),
        ),
        subjects=(Subject(_LABEL, _follow),),
        note="Client, broker, engine and calculator as processes: the device's pub, the engine's pub of what has "
        "changed, the calculator's set and the engine's pub of the result, which the client awaits before it goes on.",
        most_runs=2,
    ),
)
