"""`Engine`: the data map brought to life: links, actions, and what has changed since it was last published."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any, Final

from ess_bus.engine import actions
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

log = logging.getLogger(__name__)

LINKS: Final = "/links"
# How deep one set may reach through actions before it is taken for a mistake.
MAX_DEPTH: Final = 128
# Mistakes that are remembered, so that each is logged once.
MAX_REPORTS: Final = 1000
# How many actions may follow from one set: variables that all remap to each other would take for ever.
MAX_ACTIONS: Final = 1000


class Engine:
    """Holds and changes values; knows neither the bus nor the time.

    ::

        set, report(path, body) -> assignments, checked -> values -> onSet actions -> values ... -> take_changes()
    """

    def __init__(self) -> None:
        self.datamap = DataMap()
        self._changed: dict[str, set[str]] = {}
        self._reported: set[str] = set()
        self._actions_left = MAX_ACTIONS

    def load(self, assignments: Iterable[Assignment]) -> None:
        """Take a configuration: definitions first, then links, then the actions of everything that has a value."""
        defined = [self.datamap.apply(assignment)[0] for assignment in assignments]
        for table in [table for table in self.datamap.tables if table.startswith(LINKS + "/")]:
            self._link(table)
        for variable in dict.fromkeys(defined):
            if variable.remaps and variable.value is not None:
                self._actions_left = MAX_ACTIONS
                self._act(variable, ())
        self._changed.clear()

    def set(self, path: str, body: Any) -> None:
        """Apply a set or pub, wholly or not at all, and everything that follows from it.

        Raises:
            ValueError: nothing was changed; the text says where the body is wrong and what was expected.
        """
        self._carry_out(path, self.datamap.assignments(path, body))

    def report(self, path: str, body: Any) -> list[str]:
        """Apply what the owner of values tells, and all that follows; return what is wrong with values, now not valid.

        Raises:
            ValueError: nothing was changed; the text says where the body is wrong and what was expected.
        """
        assignments, problems = self.datamap.report(path, body)
        self._carry_out(path, assignments)
        return problems

    def invalidate(self, path: str) -> None:
        """Make every variable at or below a path not valid, and all that follows from them."""
        for table, variables in list(self.datamap.below(path)):
            for name in list(variables):
                self._actions_left = MAX_ACTIONS
                self._apply(Assignment(Reference(table, name), None), ())

    def take_changes(self) -> dict[str, dict[str, Any]]:
        """Return table -> variable -> value of everything that changed since the last call."""
        changed, self._changed = self._changed, {}
        tables = self.datamap.tables
        return {
            table: {name: tables[table][name].value for name in sorted(names)}
            for table, names in sorted(changed.items())
        }

    def _carry_out(self, path: str, assignments: list[Assignment]) -> None:
        for assignment in assignments:
            for problem in actions.problems(assignment.actions or {}):
                self._report(f"{assignment.place} {problem}", f"{assignment.place}: {problem}")
            self._actions_left = MAX_ACTIONS
            self._apply(assignment, ())
        if path == LINKS or path.startswith(LINKS + "/"):
            for table in {assignment.place.table for assignment in assignments}:
                self._link(table)

    def _apply(self, assignment: Assignment, chain: tuple[str, ...]) -> None:
        variable, changed = self.datamap.apply(assignment)
        if changed:
            for table, name in variable.places:
                self._changed.setdefault(table, set()).add(name)
        if variable.remaps and assignment.value is not KEEP:
            self._act(variable, (*chain, str(assignment.place)))

    def _act(self, variable: Variable, chain: tuple[str, ...]) -> None:
        for place, value in actions.targets(variable.remaps, variable.value):
            if self._actions_left <= 0:
                begin = chain[0] if chain else "on load"
                self._report(begin, f"{begin}: more than {MAX_ACTIONS} actions follow, stopped")
                return
            self._actions_left -= 1
            if str(place) in chain or len(chain) >= MAX_DEPTH:
                circle = " -> ".join((*chain[-5:], str(place)))
                self._report(circle, f"actions run in a circle, stopped: {circle}")
                continue
            try:
                assignment = self._assignment(place, value)
            except ValueError as error:
                remap = f"{chain[-1] if chain else 'on load'}: remap to {place}"
                self._report(remap, f"{remap}: {error}; it is not valid now")
                # Its old value would go on being shown as if it were that of its source.
                assignment = Assignment(place, None)
            self._apply(assignment, chain)

    def _assignment(self, place: Reference, value: Any) -> Assignment:
        if place.parameter is not None:
            return Assignment(place, parameters={place.parameter: value})
        target = self.datamap.find(place.table, place.name)
        return Assignment(place, value if target is None else target.accept(value))

    def _link(self, table: str) -> None:
        """Make ``/status/<asset>`` show the targets of ``/links/<asset>``."""
        asset = table.removeprefix(LINKS + "/")
        for name, link in self.datamap.tables[table].items():
            problem = link_problem(link.value)
            if problem is not None:
                self._report(f"{table}:{name}", f"{table}:{name}: {problem}; left out")
                continue
            self.datamap.alias(Reference(f"/status/{asset}", name), Reference.parse(link.value))

    def _report(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration once, not at every tick nor with every new value."""
        if mistake not in self._reported:
            if len(self._reported) >= MAX_REPORTS:
                self._reported.clear()
            self._reported.add(mistake)
            log.warning("%s", text)


def link_problem(value: Any) -> str | None:
    """Return why the value of a link names no variable, or ``None`` if it does."""
    if not isinstance(value, str):
        return f"expected the text /table:name, got {str(value)[:40]!r}"
    try:
        Reference.parse(value)
    except ValueError as error:
        return str(error)
    return None
