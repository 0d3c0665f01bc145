"""`Intake`: what is set or defined goes into an engine: refused or carried out, and whoever it concerns is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.blocking import Refusing
from ess_bus.engine.cascade import Cascade
from ess_bus.engine.commands import is_scheduled, shortcoming, with_command
from ess_bus.engine.controls import refusal
from ess_bus.engine.datamap import SLICE, mistakes, problems
from ess_bus.engine.drafts import Drafts
from ess_bus.engine.links import LINKS, VLINKS
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.mistakes import few
from ess_bus.engine.ownership import owned
from ess_bus.engine.ownership import refusal as owner_s_refusal
from ess_bus.engine.schedule.wake_entry import LISTS
from ess_bus.engine.schedule.wake_entry import problem as entry_problem
from ess_bus.engine.severity import Severity
from ess_bus.engine.states.options import STATES
from ess_bus.reference import Reference
from ess_bus.uri import is_under, segments

if TYPE_CHECKING:
    from ess_bus.engine.engine import Engine


# What is set there is more than a value to some part of the engine.
_HEARD: Final = frozenset({"assets", "config", "links", "sched", "schedule", "states", "system", "vlinks"})


class _Pause:
    """Lets happen what is due, and remembers whether something was."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.something_happened = False

    def __call__(self) -> None:
        # What fails then was not asked for by the set.
        with self._engine.mistakes.failures():
            self.something_happened |= self._engine.pause()


class Intake:
    """Takes assignments into an engine.

    Args:
        engine: that one.
        cascade: carries out what follows from each of them.
    """

    def __init__(self, engine: Engine, cascade: Cascade) -> None:
        self._engine = engine
        self._cascade = cascade

    def set(self, path: str, body: Any, refuse: Refusing | None = None) -> None:
        """Carry out a set or pub, wholly or not at all.

        What is due happens while a large one is read and its new variables are drafted; they come into the map
        together.

        Args:
            path: what it is for.
            body: what it says.
            refuse: returns why a part of it is not taken.

        Raises:
            ValueError: nothing was changed; the text says why.
        """
        datamap, paused = self._engine.datamap, _Pause(self._engine)
        made, drafts = datamap.made, Drafts(datamap)
        assignments = datamap.assignments(path, body, paused)
        self._require_allowed(assignments, refuse, paused)
        drafts.prepare(assignments, paused)
        # What has happened meanwhile may have changed what was found to be right.
        if datamap.made != made:
            assignments = datamap.assignments(path, body)
            self._require_allowed(assignments, refuse, bool)
        elif paused.something_happened and drafts.count < len(assignments):
            known = [one for one in assignments if datamap.find(one.place.table, one.place.name) is not None]
            self._require_allowed([datamap.checked(one) for one in known], refuse, bool)
        is_all_new = drafts.count == len(assignments)
        self._carry_out(assignments, drafts, paused if is_all_new else bool)

    def _require_allowed(
        self, assignments: list[Assignment], refuse: Refusing | None, pause: Callable[[], object]
    ) -> None:
        """Raise ValueError if there is one that must not be carried out."""
        engine = self._engine
        for number, assignment in enumerate(assignments, 1):
            if refuse is not None and (blocked := refuse(assignment)) is not None:
                raise ValueError(blocked)
            reason = refusal(engine.datamap, assignment) or owner_s_refusal(engine, assignment)
            reason = reason or shortcoming(assignment, engine)
            if reason is not None:
                engine.event(str(assignment.place), f"a set was refused: {reason}", Severity.STATUS)
                raise ValueError(reason)
            if number % SLICE == 0:
                pause()
        wrong = [mistake for assignment in assignments if assignment.problems for mistake in mistakes(assignment)]
        if wrong:
            raise ValueError(few(wrong))

    def define(self, assignments: Iterable[Assignment], *, rests: bool) -> None:
        """Take definitions: all values first, then links, then actions of everything that has a value.

        Args:
            assignments: the definitions.
            rests: scheduled items wait until somebody starts them.
        """
        engine = self._engine
        defined = {}
        for assignment in assignments:
            if assignment.value is not KEEP and owned(engine, assignment) is not None:
                # Its definition is taken, and its value stays that of its owner.
                assignment = assignment._replace(value=KEEP, act=False)
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

    def report(self, path: str, body: Any, refuse: Refusing | None = None) -> list[str]:
        """Carry out what the owner of values tells; return what is wrong with single values, which are not valid now.

        Args:
            path: what it is for.
            body: what it says.
            refuse: returns why a part of it is not taken; what is there stays, and the other parts are taken.

        Raises:
            ValueError: nothing was changed; the text says why.
        """
        datamap = self._engine.datamap
        values = datamap.values(path, body) if refuse is None and _is_of_values(path) else None
        if values is not None:
            for name, variable, value in values:
                self._cascade.take(Reference(path, name), variable, value)
            return []
        assignments, wrong = datamap.report(path, body)
        if refuse is not None:
            assignments = [assignment for assignment in assignments if refuse(assignment) is None]
        self.carry_out(assignments)
        return wrong

    def carry_out(self, assignments: list[Assignment]) -> None:
        """Carry out checked assignments, then tell those parts of the engine whose tables they have changed."""
        drafts = Drafts(self._engine.datamap)
        if len(assignments) > 1:
            drafts.prepare(assignments, bool)
        self._carry_out(assignments, drafts, bool)

    def _carry_out(self, assignments: list[Assignment], drafts: Drafts, pause: Callable[[], object]) -> None:
        """Make what is new before any action runs: variables of one message may look at each other, in any order."""
        engine = self._engine
        for table, made in drafts.insert().items():
            engine.introduced(table, made)
        # A message has many values and few tables.
        tables = {assignment.place.table for assignment in assignments}
        scheduled = {table for table in tables if is_scheduled(table)}
        is_done = drafts.quiet and drafts.count == len(assignments)
        for number, assignment in enumerate(() if is_done else assignments, 1):
            place = assignment.place
            for problem in problems(assignment) if assignment.problems else ():
                engine.warn(f"{place} {problem}", f"{place}: {problem}")
            if drafts.count and drafts.is_as_defined(assignment):
                self._cascade.introduce(assignment)
            else:
                self._cascade.apply(with_command(engine.datamap, assignment))
            if place.table in scheduled and assignment.runs_actions:
                engine.schedule.adopt(place)
            if number % SLICE == 0:
                # All of the set is in the map; only what follows is done bit by bit.
                pause()
        self._tell(assignments, tables)

    def _tell(self, assignments: list[Assignment], tables: Collection[str]) -> None:
        """Tell those parts of the engine whose tables were changed."""
        engine = self._engine
        if any(is_under(table, LISTS) for table in tables):
            self._tell_of_entries(assignments)
        if any(is_under(table, LINKS) or is_under(table, VLINKS) for table in tables):
            self._link(assignments, tables)
        if any(is_under(table, STATES) for table in tables):
            engine.states.configure()
        if engine.settings is not None and any(map(engine.settings.concerns, assignments)):
            engine.settings.choose()

    def _tell_of_entries(self, assignments: list[Assignment]) -> None:
        """Tell whoever sets an entry of a list if it will never be called."""
        for (table, name, _), *_ in assignments:
            variable = self._engine.find(table, name)
            text = None if variable is None else entry_problem(table, name, variable)
            if text is not None:
                self._engine.mistakes.failed(text)

    def _link(self, assignments: list[Assignment], tables: Collection[str]) -> None:
        """Make links anew; tell whoever sets some what is wrong with these, and not with all others, too."""
        engine = self._engine
        with engine.mistakes.failures() as failures:
            if any(is_under(table, LINKS) for table in tables):
                engine.links.run()
            if any(is_under(table, VLINKS) for table in tables):
                engine.links.run_values()
        own = {str(assignment.place) for assignment in assignments}
        own |= {place.replace(LINKS, "/status", 1) for place in own if place.startswith(LINKS)}
        for text in failures:
            if any(place in text for place in own):
                engine.mistakes.failed(text)


@lru_cache(maxsize=1024)
def _is_of_values(table: str) -> bool:
    """Tell whether nothing but actions comes of values in a table."""
    parts = segments(table)
    return bool(parts) and parts[0] not in _HEARD
