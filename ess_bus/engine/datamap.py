"""`DataMap`: table -> variable -> value. No I/O and no clock; what it was told to set decides all it holds.

Tables are URIs (``/status/bms``), variables are names in them; ``/status/bms:BMSPower@enabled`` is how configuration
refers to a variable or one of its parameters, ``/status/bms/BMSPower`` how the bus does (engine.md 2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from ess_bus.engine.actions.reading import read
from ess_bus.engine.cell import as_bit
from ess_bus.engine.meaning import KEEP, Assignment, interpret
from ess_bus.engine.restyled import Restyled
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
from ess_bus.uri import join, segments

# So many variables are checked, or drafted, in a fraction of a millisecond or two.
SLICE: Final = 50
# Stands for one that is not there yet: it takes a value of any type.
_NEW: Final = Variable()


class _NotTaken(ValueError):
    """A value is not taken, and what is there stays."""


class DataMap:
    """All tables of an engine."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Variable]] = {}
        # How many variables were made.
        self.made = 0
        # The paths of all tables and of what is above them.
        self._branches: set[str] = set()
        # What has become of parameters since somebody has asked.
        self.restyled = Restyled()

    # -- finding ---------------------------------------------------------------------------------------------------

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""
        variables = self.tables.get(table)
        return None if variables is None else variables.get(name)

    def is_variable(self, path: str) -> bool:
        """Tell whether there is a variable at a bus path (``/status/bms/BMSPower``)."""
        table, _, name = path.rpartition("/")
        return self.find(table, name) is not None

    def is_table(self, path: str) -> bool:
        """Tell whether there is a table at a bus path, or below it."""
        return path in self._branches

    def obstacle(self, place: Reference) -> str | None:
        """Return why there can be no new variable at a place: a URI is a table or a variable, for good."""
        path, parts = f"{place.table}/{place.name}", segments(place.table)
        if self.is_table(path):
            return f"{path} is a table"
        above = (join(parts[:length]) for length in range(2, len(parts) + 1))
        return next((f"{one} is a variable, not a table" for one in above if self.is_variable(one)), None)

    def below(self, path: str) -> Iterator[tuple[str, dict[str, Variable]]]:
        """Yield the tables at or below a path, by whole segments and in alphabetical order."""
        for table in sorted(self.tables):
            if path == "/" or table == path or table.startswith(path + "/"):
                yield table, self.tables[table]

    # -- setting ---------------------------------------------------------------------------------------------------

    def assignments(self, path: str, body: Any, pause: Callable[[], object] = bool) -> list[Assignment]:
        """Return what a set or pub of `body` on `path` means, checked as a whole; nothing is changed yet.

        Args:
            path: what it is sent to.
            body: what is sent.
            pause: called now and then while there is much to check; this map may change meanwhile.

        Raises:
            ValueError: the body cannot be applied; the text says where and what was expected.
        """
        found = []
        for number, assignment in enumerate(interpret(self, path, body), 1):
            found.append(self.checked(assignment))
            if number % SLICE == 0:
                pause()
        return found

    def report(self, path: str, body: Any) -> tuple[list[Assignment], list[str]]:
        """Return what an owner's pub of `body` on `path` means, and what is wrong with single values of it.

        It tells what already is so: a variable whose new value cannot be held is not valid any more, and the others
        are none the worse for it.

        Raises:
            ValueError: nothing of the body can be applied.
        """
        found: list[Assignment] = []
        problems: list[str] = []
        for assignment in interpret(self, path, body):
            try:
                self._require_free(assignment)
                found.append(self.checked(assignment))
            except _NotTaken as error:
                problems.append(str(error))
            except ValueError as error:
                problems.append(str(error))
                if assignment.bit is None and not self._is_locked(assignment):
                    found.append(assignment._replace(value=None))
        return found, problems

    def plain_values(self, path: str, body: Any) -> list[tuple[str, Variable, Any]] | None:
        """Return (name, variable, value in its form) of a report that tells values of what is there and nothing else.

        That is what nearly all that arrives is, every second and from every device. ``None``: `report` looks closer.
        """
        there = self.tables.get(path)
        if there is None or not isinstance(body, dict) or not body:
            return None
        found = []
        for name, given in body.items():
            variable = there.get(name)
            if variable is None or type(given) is dict or given == KEEP or variable.cell.owner or variable.locked:
                return None
            try:
                found.append((name, variable, variable.cell.accept(given)))
            except ValueError:
                return None
        return found

    def apply(self, assignment: Assignment) -> tuple[Variable, bool]:
        """Carry out a checked assignment; return the variable and whether its value changed. Runs no actions."""
        place = assignment.place
        variable = self.find(place.table, place.name)
        is_new = variable is None
        if variable is None:
            variable = self.create(place)
        _give_actions(variable, assignment)
        if assignment.parameters:
            variable.parameters.update(assignment.parameters)
        if assignment.removed:
            for name in assignment.removed:
                variable.parameters.pop(name, None)
        if assignment.bit is not None:
            return variable, variable.set_bit(assignment.bit, assignment.value)
        if assignment.value is not KEEP:
            return variable, variable.set(assignment.value)
        if is_new:
            # Defined without a value it is false (engine.md 2.4), until its first value says of what type it is.
            variable.cell.value = False
        return variable, is_new

    def _require_free(self, assignment: Assignment) -> None:
        """Refuse what is the result of another one.

        Raises:
            _NotTaken: it is.
        """
        variable = self.find(assignment.place.table, assignment.place.name)
        if variable is not None and variable.cell.owner:
            raise _NotTaken(f"{assignment.place} {variable.cell.owner}; it is not set from outside")

    def _is_locked(self, assignment: Assignment) -> bool:
        variable = self.find(assignment.place.table, assignment.place.name)
        return variable is not None and variable.locked

    def table(self, path: str) -> dict[str, Variable]:
        """Return the table at a path; make it if it is not there."""
        if path not in self.tables:
            self.tables[path] = {}
            parts = segments(path)
            self._branches.update(join(parts[:length]) for length in range(1, len(parts) + 1))
        return self.tables[path]

    def create(self, place: Reference) -> Variable:
        """Return the variable at a place; make it if it is not there."""
        variable = self.find(place.table, place.name)
        if variable is None:
            variable = self.draft(Assignment(place))
            self.insert(place.table, {place.name: variable})
        return variable

    def draft(self, assignment: Assignment) -> Variable:
        """Return a variable as a checked assignment defines it, for `insert`: it is in no table yet."""
        place = assignment.place
        variable = Variable(places=[(place.table, place.name)])
        variable.parameters = self.restyled.parameters(variable, assignment.parameters)
        _give_actions(variable, assignment)
        if assignment.value is not KEEP:
            variable.set(assignment.value)
        return variable

    def insert(self, table: str, drafted: Mapping[str, Variable]) -> None:
        """Put drafted variables into their table, where there are none of their names."""
        self.table(table).update(drafted)
        self.made += len(drafted)
        for variable in drafted.values():
            self.restyled.introduce(variable)

    def alias(self, place: Reference, target: Reference) -> bool:
        """Make `place` show the same variable as `target` (engine.md 2.5); tell whether it did not before."""
        variable = self.create(target)
        table = self.table(place.table)
        if table.get(place.name) is variable:
            return False
        if place.name in table:
            table[place.name].places.remove((place.table, place.name))
        table[place.name] = variable
        variable.places.append((place.table, place.name))
        return True

    def checked(self, assignment: Assignment) -> Assignment:
        """Return an assignment with its value in the form in which the variable holds it.

        Raises:
            ValueError: the variable cannot hold it.
        """
        if assignment.actions:
            program, found = read(assignment.actions, assignment.place)
            assignment = assignment._replace(program=program, problems=tuple(found))
        given = assignment.value
        if given is KEEP:
            return assignment
        place = assignment.place
        variable = self.find(place.table, place.name) or _NEW
        unlocks = assignment.parameters is not None and assignment.parameters.get("lock") is False
        holds = variable.cell.value
        if variable.locked and not unlocks and assignment.bit is None and holds is not None and given == holds:
            # Masters write whole blocks, in which it stands as it is; nothing follows from that.
            return assignment._replace(value=KEEP, act=False)
        value = accepted(place, variable, given, assignment.bit, unlocks=unlocks)
        return assignment if value is given else assignment._replace(value=value)


def accepted(place: Reference, variable: Variable, value: Any, bit: int | None = None, *, unlocks: bool = False) -> Any:
    """Return a value in the form in which a variable, or this bit of it (from 0), holds it; nothing is changed.

    Args:
        place: where the variable is, for the error.
        variable: the one that shall hold it.
        value: what it is given.
        bit: the bit, if it is for one.
        unlocks: it is taken from a lock with the same assignment.

    Raises:
        ValueError: the variable cannot hold it.
    """
    try:
        if variable.locked and not unlocks:
            raise ValueError("it is locked")
        if bit is None:
            return variable.cell.accept(value)
        variable.cell.bit(bit)
        return as_bit(value)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def problems(assignment: Assignment) -> list[str]:
    """Return what of a checked assignment's actions is not carried out, and why."""
    return [f"{problem.text}; left out" for problem in assignment.problems]


def mistakes(assignment: Assignment) -> list[str]:
    """Return what is wrong with a checked assignment's actions: what nobody can have meant."""
    return [f"{assignment.place}: {problem.text}" for problem in assignment.problems if not problem.is_usual]


def _give_actions(variable: Variable, assignment: Assignment) -> None:
    """Give a variable the actions of an assignment, which may not have been checked with them."""
    if assignment.actions is not None:
        program = assignment.program
        variable.actions = assignment.actions
        variable.program = read(assignment.actions, assignment.place)[0] if program is None else program
