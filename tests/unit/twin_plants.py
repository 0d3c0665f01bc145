"""Small plants for the tests of the models."""

from __future__ import annotations

from tools.twins.models.feed import Feed
from tools.twins.models.grid import Grid
from tools.twins.models.model import Model
from tools.twins.models.terminal import Terminal
from tools.twins.models.tree import Node, Tree

LIVE = Terminal(v=480, f=60)


def step(model, dt_s=1.0, terminal=LIVE):
    """Let a component without neighbours live through one tick at a live grid."""
    model.update_mode(terminal)
    model.load_lines(Terminal())
    model.distribute_voltage(terminal)
    model.calculate_state(Terminal(), dt_s)
    model.distribute_load(Terminal())
    model.update_state(terminal, dt_s)


class Site:
    """A grid, a closed feeder, and what is below it."""

    def __init__(self, *below: Model | Node, grid: Grid | None = None, **feed) -> None:
        self.grid = grid or Grid(id="grid")
        self.feed = Feed(id="feeder_1", close_cmd=True, **feed)
        nodes = tuple(one if isinstance(one, Node) else Node(one) for one in below)
        self.tree = Tree(Node(self.grid, (Node(self.feed, nodes),)))

    def run(self, ticks: int = 3, dt_s: float = 1.0) -> None:
        for _ in range(ticks):
            self.tree.tick(dt_s)
