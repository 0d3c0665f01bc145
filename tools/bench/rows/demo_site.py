"""What the whole demo site takes while it runs under load: processor and memory of all its processes."""

from __future__ import annotations

import time
from typing import Final

from tools.bench.demo import DemoSite, demo_site
from tools.bench.processes import Bench
from tools.bench.row import Figure, Row, Sample, Subject
from tools.bench.usage import Meter, memory_mb

_SECONDS: Final = 20.0
_LEAST_S: Final = 3.0
_POWER_KW: Final = 250
# There for the sake of the simulation, and on no real site.
_PLANT: Final = ("plant_broker", "plant", "catl_bms", "pe_pcs", "meter", "hybridos")


def _measure(bench: Bench) -> Sample:
    with demo_site() as site:
        site.order(command="on", power=_POWER_KW)
        site.until(lambda seen: seen["p"] == _POWER_KW)
        processes = site.processes()
        meters = {name: Meter(pid) for name, pid in processes.items()}
        looks, right = _look(site, max(_LEAST_S, bench.scale.seconds(_SECONDS)))
        used = {name: meter.percent() for name, meter in meters.items()}
        memory = {name: memory_mb(pid) for name, pid in processes.items()}
    controller = [name for name in processes if name not in _PLANT]
    values = {
        "cpu": sum(used.values()),
        "memory": sum(memory.values()),
        "controller_cpu": sum(used[name] for name in controller),
        "controller_memory": sum(memory[name] for name in controller),
        "engine_cpu": used["ess_controller"],
        "engine_memory": memory["ess_controller"],
    }
    return Sample(values, looks, right)


def _look(site: DemoSite, seconds: float) -> tuple[int, int]:
    """Return how often HybridOS looked meanwhile, and how often it saw what it has asked for."""
    looks = right = 0
    deadline = time.monotonic() + seconds
    with site.plant.subscribe("/hybridos", pub_only=True) as pubs:
        while (left := deadline - time.monotonic()) > 0:
            message = pubs.receive(left)
            if message is not None:
                seen = message.json()
                looks += 1
                right += (seen["state"], seen["p"]) == ("run", _POWER_KW)
    return looks, right


ROWS: Final = (
    Row(
        name="demo-site",
        title="the demo site at 250 kW",
        figures=(
            Figure("cpu", "% of a core", "processor"),
            Figure("memory", "MB", "memory"),
            Figure("controller_cpu", "% of a core", "processor without the simulated plant"),
            Figure("controller_memory", "MB", "memory without the simulated plant"),
            Figure("engine_cpu", "% of a core", "processor of the engine"),
            Figure("engine_memory", "MB", "memory of the engine"),
        ),
        subjects=(Subject("configs/demo", _measure),),
        note="All 13 processes of `configs/demo`: 566 values of three devices are read over Modbus TCP every 0.1 to "
        "10 s, 568 are served to HybridOS; the simulated plant is its broker, `twins`, three Modbus servers and "
        "HybridOS. Resident memory, summed; what processes share counts in each. *Lost* are looks of HybridOS, one a "
        "second, at which the site did not run with the power that it was asked for.",
        most_runs=2,
    ),
)
