"""`Intake`: what is set or defined goes into an engine: refused or carried out, and whoever it concerns is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ess_bus.engine.cascade import Cascade
from ess_bus.engine.commands import is_scheduled, with_command
from ess_bus.engine.controls import refusal
from ess_bus.engine.datamap import mistakes, problems
from ess_bus.engine.links import LINKS, VLINKS
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.schedule.running import SCHED
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.options import STATES
from ess_bus.uri import segments

if TYPE_CHECKING:
    from ess_bus.engine.engine import Engine

# What the tables of parts of the engine begin with.
_SCHED, _LINKS, _VLINKS, _STATES = (segments(root) for root in (f"/{SCHED}", LINKS, VLINKS, STATES))
# More mistakes of one set would not be read.
MAX_SHOWN: Final = 5


class Intake:
    """Takes assignments into an engine.

    Args:
        engine: that one.
        cascade: carries out what follows from each of them.
    """

    def __init__(self, engine: Engine, cascade: Cascade) -> None:
        self._engine = engine
        self._cascade = cascade

    def set(self, assignments: list[Assignment]) -> None:
        """Carry out what a set or pub means, wholly or not at all.

        Raises:
            ValueError: nothing was changed; the text says why.
        """
        engine = self._engine
        for assignment in assignments:
            reason = refusal(engine.datamap, assignment) or engine.states.refusal(assignment)
            if reason is not None:
                engine.event(str(assignment.place), f"a set was refused: {reason}", Severity.STATUS)
                raise ValueError(reason)
        wrong = [mistake for assignment in assignments for mistake in mistakes(assignment)]
        if wrong:
            raise ValueError(
                "; ".join([*wrong[:MAX_SHOWN], *([f"{len(wrong) - MAX_SHOWN} more"] if wrong[MAX_SHOWN:] else [])])
            )
        self.carry_out(assignments)

    def define(self, assignments: Iterable[Assignment], *, rests: bool) -> None:
        """Take definitions: all values first, then links, then actions of everything that has a value.

        Args:
            assignments: the definitions.
            rests: scheduled items wait until somebody starts them.
        """
        engine = self._engine
        defined = {}
        for assignment in assignments:
            variable = engine.datamap.apply(with_command(engine.datamap, assignment))[0]
            engine.mark(variable)
            if assignment.runs_actions:
                defined[variable] = assignment.place
        engine.wake_lists.changed()
        engine.links.run()
        engine.links.run_values()
        for variable, place in defined.items():
            if variable.value is not None and variable.program:
                self._cascade.act(place, variable)
        engine.states.configure()
        if not rests:
            engine.schedule.adopt_all()

    def carry_out(self, assignments: list[Assignment]) -> None:
        """Carry out checked assignments, then tell those parts of the engine whose tables they have changed."""
        engine = self._engine
        self._make(assignments)
        # A message has many values and few tables.
        heads = {segments(table)[:1] for table in {assignment.place.table for assignment in assignments}}
        for assignment in assignments:
            place = assignment.place
            if assignment.actions:
                for problem in problems(assignment):
                    engine.warn(f"{place} {problem}", f"{place}: {problem}")
            self._cascade.apply(with_command(engine.datamap, assignment))
            if _SCHED in heads and is_scheduled(place.table) and assignment.runs_actions:
                engine.schedule.adopt(place)
        if _LINKS in heads:
            engine.links.run()
        if _VLINKS in heads:
            engine.links.run_values()
        if _STATES in heads:
            engine.states.configure()
        if engine.settings is not None and any(map(engine.settings.concerns, assignments)):
            engine.settings.choose()

    def _make(self, assignments: list[Assignment]) -> None:
        """Make what is new before any action runs: variables of one message may look at each other, in any order."""
        engine, tables = self._engine, self._engine.datamap.tables
        for assignment in assignments if len(assignments) > 1 else ():
            place = assignment.place
            if assignment.value is not KEEP and place.name not in tables.get(place.table, ()):
                engine.mark(engine.datamap.apply(Assignment(place, assignment.value))[0])
