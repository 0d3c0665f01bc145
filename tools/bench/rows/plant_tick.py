"""How long a large simulated plant takes for a tick."""

from __future__ import annotations

import time
from statistics import median
from typing import Final

from tools.bench.processes import Bench
from tools.bench.row import LOSES_NOTHING, Figure, Row, Sample, Subject, at_most
from tools.twins.models.bms import Bms
from tools.twins.models.ess import Ess
from tools.twins.models.feed import Feed
from tools.twins.models.grid import Grid
from tools.twins.models.load import Load
from tools.twins.models.pcs import Pcs
from tools.twins.models.tree import Node, Tree

# Ten of these below each of ten feeders, and half of the loads: 500 components.
_STRINGS: Final = 100
_TICKS: Final = 400


def _plant() -> tuple[Grid, Tree, float]:
    """Return a grid with 500 components at work, and what it gets of them in kW."""
    grid, feeders = Grid(id="grid"), []
    for number in range(10):
        below = []
        for one in range(_STRINGS // 10):
            name = f"{number}_{one}"
            pcs = Pcs(id=f"pcs_{name}", on_cmd=True, pcmd=100, rte=96, idleloss=1)
            bms = Bms(id=f"bms_{name}", on_cmd=True, racks=1, rte=95, cap=1e5)
            ess = Ess(id=f"ess_{name}", on_cmd=True, pcmd=-50, rte=90, cap=1e5)
            below += [Node(pcs, (Node(bms),)), Node(ess), Node(Load(id=f"load_{name}", pcmd=-20))]
        below += [Node(Load(id=f"other_{number}_{one}", pcmd=-1)) for one in range(9)]
        feeders.append(Node(Feed(id=f"feed_{number}", close_cmd=True), tuple(below)))
    return grid, Tree(Node(grid, tuple(feeders))), _STRINGS * (100 - 50 - 20) - 90


def _measure(bench: Bench) -> Sample:
    grid, tree, expected_kw = _plant()
    for _ in range(3):
        tree.tick(0.1)
    taken_s, right = [], 0
    for _ in range(bench.scale.count(_TICKS)):
        began = time.perf_counter()
        tree.tick(0.1)
        taken_s.append(time.perf_counter() - began)
        right += abs(grid.p - expected_kw) < 1e-6
    return Sample({"tick": median(taken_s) * 1000}, len(taken_s), right)


ROWS: Final = (
    Row(
        name="plant_tick",
        title="a simulated plant, a tick",
        figures=(Figure("tick", "ms"),),
        subjects=(Subject("tools.twins", _measure),),
        requirements=(at_most("tick", 20), LOSES_NOTHING),
        note="500 components in one process, all at work: converters with batteries, stores, loads and feeders. "
        "*Lost* are ticks after which the grid did not get what all of them delivered.",
    ),
)
