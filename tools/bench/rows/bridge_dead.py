"""What dead devices cost the living ones."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from tools.bench.plants import Part, few
from tools.bench.processes import Bench
from tools.bench.regularity import off_period
from tools.bench.row import Figure, Row, Sample, Subject, at_most
from tools.bench.rows.bridging import LABEL, hub
from tools.ports import free_port

_PERIOD_MS: Final = 200.0
_TIMEOUT_S: Final = 0.5
_SECONDS: Final = 12.0
_LEAST_S: Final = 3.0
_SETTLE_S: Final = 20.0
# Living, refusing, silent; less of them in a quick run.
_DEVICES, _FEW_DEVICES = (15, 2, 3), (4, 1, 1)
_UNITS, _SILENT_UNITS = 20, 5
_WITHOUT: Final = "none dead"


def _with_dead(bench: Bench) -> Sample:
    return _processes(bench, *(_FEW_DEVICES if bench.scale.quick else _DEVICES))


def _without_dead(bench: Bench) -> Sample:
    return _processes(bench, sum(_FEW_DEVICES if bench.scale.quick else _DEVICES), 0, 0)


def _processes(bench: Bench, living: int, refusing: int, silent: int) -> Sample:
    """Measure the living ones of so many devices, each with a bridge of its own."""
    parts = [few(f"device_{number}", 1, _PERIOD_MS) for number in range(living + refusing + silent)]
    with hub(bench) as site, site.worker("be_devices", living=living, silent=silent) as devices, ExitStack() as stack:
        ports = devices.hear("ready")
        addresses = [*ports["living"], *ports["silent"], *(free_port() for _ in range(refusing))]
        bridges = [
            stack.enter_context(site.bridging([part], port, part.id, _TIMEOUT_S))
            for part, port in zip(parts, addresses, strict=True)
        ]
        for part, bridge in zip(parts, bridges, strict=True):
            site.until_bridging(bridge, part.id)
        site.until_true(parts[:living])
        arrivals = site.arrivals(_seconds(bench))
    return _sample(bench, parts[:living], arrivals)


def _one_process(bench: Bench) -> Sample:
    """Measure one bridge at a gateway; some of its units are silent."""
    parts = [few(f"unit_{number}", number + 1, _PERIOD_MS) for number in range(_UNITS)]
    living = parts[: _UNITS - _SILENT_UNITS]
    silent = [part.unit for part in parts[len(living) :]]
    with hub(bench) as site, site.worker("be_devices", living=1, silent=0, silent_units=silent) as gateway:
        port = gateway.hear("ready")["living"][0]
        with site.bridging(parts, port, "gateway", _TIMEOUT_S) as bridge:
            site.until_bridging(bridge, "gateway")
            site.until_true(living)
            # A unit that has just died is asked often; what a site has all day are those that died long ago.
            time.sleep(0.0 if bench.scale.quick else _SETTLE_S)
            arrivals = site.arrivals(_seconds(bench))
    return _sample(bench, living, arrivals)


def _seconds(bench: Bench) -> float:
    return max(_LEAST_S, bench.scale.seconds(_SECONDS))


def _sample(bench: Bench, living: Sequence[Part], arrivals: Mapping[str, list[float]]) -> Sample:
    """Return the figures of the component that keeps its period worst."""
    off = [off_period(arrivals.get(part.id, []), _PERIOD_MS / 1000, _seconds(bench)) for part in living]
    count = sum(len(arrivals.get(part.id, [])) for part in living)
    return Sample({"mean": 100 * max(mean for mean, _ in off), "p99": 100 * max(p99 for _, p99 in off)}, count, count)


_FIGURES: Final = (Figure("mean", "% off", "mean period"), Figure("p99", "% off", "p99 of the period"))

ROWS: Final = (
    Row(
        name="bridge-dead",
        title="5 of 20 devices dead",
        figures=_FIGURES,
        subjects=(Subject(LABEL, _with_dead), Subject(_WITHOUT, _without_dead)),
        requirements=(at_most("mean", 10), at_most("p99", 10)),
        note="20 modbus_client processes, each polling its device every 200 ms; two devices refuse connections, three "
        "accept them and say nothing. By how much the time between pubs differs from 200 ms, for the worst of the 15 "
        "living ones; beside it the same with all 20 alive.",
        most_runs=2,
    ),
    Row(
        name="bridge-dead-units",
        title="5 of 20 units behind one gateway dead",
        figures=_FIGURES,
        subjects=(Subject(LABEL, _one_process),),
        note="One modbus_client process and one connection, 20 components with a unit each, every 200 ms; the silent "
        f"units have been so for {_SETTLE_S:g} s. A request to one of them holds the connection for {_TIMEOUT_S:g} s, "
        "so that this cannot be perfect.",
        most_runs=2,
    ),
)
