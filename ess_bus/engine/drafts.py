"""`Drafts`: the new variables of a large set, prepared bit by bit and put into the map together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from ess_bus.engine.commands import with_command
from ess_bus.engine.datamap import SLICE, DataMap
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.reference import Reference
from ess_bus.uri import segments

if TYPE_CHECKING:
    from ess_bus.engine.variable import Variable

# What is set there is scheduled, though it may have no actions.
_SCHEDULES: Final = frozenset({"schedule", "sched"})


class Drafts:
    """Variables that nobody sees yet.

    Args:
        datamap: in which they are missing.

    Attributes:
        count: how many there are.
        is_quiet: whether nothing follows from any of them, but that they are there.
    """

    def __init__(self, datamap: DataMap) -> None:
        self._datamap = datamap
        self._tables: dict[str, dict[str, Variable]] = {}
        # Named twice in one set, by the path of the table and by that of the one above: each of the two counts.
        self._twice: set[Reference] = set()
        self.count = 0
        self.is_quiet = True

    def prepare(self, assignments: Iterable[Assignment], pause: Callable[[], object]) -> None:
        """Draft what checked assignments define anew."""
        datamap = self._datamap
        for number, assignment in enumerate(assignments, 1):
            place = assignment.place
            table, name, _ = place
            if assignment.value is not KEEP and datamap.find(table, name) is None:
                drafted = self._tables.setdefault(table, {})
                if name in drafted:
                    self._twice.add(place)
                elif with_command(datamap, assignment) is assignment:
                    drafted[name] = datamap.draft(assignment)
                    self.count += 1
                    follows = assignment.actions is not None or segments(table)[0] in _SCHEDULES
                    self.is_quiet = self.is_quiet and not follows
            if number % SLICE == 0:
                pause()

    def insert(self) -> dict[str, dict[str, Variable]]:
        """Put them into the map, but for those of which there is one by now; return them by table and name."""
        for table, drafted in self._tables.items():
            known = self._datamap.tables.get(table)
            if known:
                for name in drafted.keys() & known.keys():
                    del drafted[name]
            self._datamap.insert(table, drafted)
        return self._tables

    def is_as_defined(self, assignment: Assignment) -> bool:
        """Tell whether one of them is in the map as its only assignment defines it, and no action has changed it."""
        table, name, _ = assignment.place
        drafted = self._tables.get(table, {}).get(name)
        return drafted is not None and drafted.value is assignment.value and assignment.place not in self._twice
