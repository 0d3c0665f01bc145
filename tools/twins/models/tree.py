"""`Tree`: the connections of a plant, and the tick that passes along them (reference: engine.md 5.3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tools.twins.models.grid import Bus, Grid
from tools.twins.models.model import Model
from tools.twins.models.terminal import Terminal


@dataclass(eq=False)
class Node:
    """A component and what is connected below it."""

    model: Model
    children: Sequence[Node] = field(default_factory=tuple)

    def walk(self) -> Iterator[Node]:
        """Yield it and all below it, parents first."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


class Tree:
    """A plant's connections, flattened once: a tick is six runs over a list, three down and three up."""

    def __init__(self, root: Node) -> None:
        if not isinstance(root.model, Grid):
            root = Node(Bus(id="bus"), (root,))
        nodes = list(root.walk())
        numbers = {id(node): number for number, node in enumerate(nodes)}
        parents = {id(child): numbers[id(node)] for node in nodes for child in node.children}
        self.models = [node.model for node in nodes]
        self._parents = [parents.get(id(node), -1) for node in nodes]
        self._has_children = [bool(node.children) for node in nodes]

    def tick(self, dt_s: float) -> None:
        """Let time pass."""
        count = len(self.models)
        parents = self._parents
        none = Terminal()
        modes = [none] * count
        for number, model in enumerate(self.models):
            modes[number] = model.update_mode(modes[parents[number]] if number else none)
        sums = self._sums(none)
        for number in range(count - 1, 0, -1):
            sums[parents[number]].combine(self.models[number].load_lines(sums[number]))
        self.models[0].load_lines(sums[0])
        down = [none] * count
        for number, model in enumerate(self.models):
            down[number] = model.distribute_voltage(down[parents[number]] if number else none)
        sums = self._sums(none)
        for number in range(count - 1, 0, -1):
            sums[parents[number]].combine(self.models[number].calculate_state(sums[number], dt_s))
        self.models[0].calculate_state(sums[0], dt_s)
        asked = [none] * count
        for number, model in enumerate(self.models):
            asked[number] = model.distribute_load(asked[parents[number]] if number else none)
        sums = self._sums(none)
        for number in range(count - 1, 0, -1):
            sums[parents[number]].combine(self.models[number].update_state(sums[number], dt_s))
        self.models[0].update_state(sums[0], dt_s)

    def _sums(self, none: Terminal) -> list[Terminal]:
        """Return what is to be filled with the sums of children; below a component without any, there is `none`."""
        return [Terminal() if has_children else none for has_children in self._has_children]
