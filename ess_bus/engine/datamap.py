"""`DataMap`: table -> variable -> value. No I/O and no clock; what it was told to set decides all it holds.

Tables are URIs (``/status/bms``), variables are names in them; ``/status/bms:BMSPower@enabled`` is how configuration
refers to a variable or one of its parameters, ``/status/bms/BMSPower`` how the bus does (engine.md 2.2).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
from ess_bus.uri import segments

# Set as a value it means: leave the value alone, take the parameters only (engine.md 2.4).
KEEP: Final = "$$"


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one set or pub does to one variable.

    Attributes:
        place: where.
        value: the new value, or `KEEP`.
        parameters: to be added or replaced.
        actions: replaces the variable's actions if it is not ``None``.
    """

    place: Reference
    value: Any = KEEP
    parameters: dict[str, Any] | None = None
    actions: dict[str, Any] | None = None


class DataMap:
    """All tables of an engine."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Variable]] = {}

    # -- finding ---------------------------------------------------------------------------------------------------

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""
        return self.tables.get(table, {}).get(name)

    def at_path(self, path: str) -> tuple[Reference, Variable] | None:
        """Return the variable that a bus path (``/status/bms/BMSPower``) names, or ``None``."""
        table, _, name = path.rpartition("/")
        variable = self.find(table, name)
        return None if variable is None else (Reference(table, name), variable)

    def below(self, path: str) -> Iterator[tuple[str, dict[str, Variable]]]:
        """Yield the tables at or below a path, by whole segments and in alphabetical order."""
        for table in sorted(self.tables):
            if path == "/" or table == path or table.startswith(path + "/"):
                yield table, self.tables[table]

    def nearest(self, table: str, name: str) -> list[str]:
        """Return up to three names of a table that look like `name`."""
        return difflib.get_close_matches(name, self.tables.get(table, {}), n=3)

    # -- setting ---------------------------------------------------------------------------------------------------

    def assignments(self, path: str, body: Any) -> list[Assignment]:
        """Return what a set or pub of `body` on `path` means, checked as a whole; nothing is changed yet.

        Raises:
            ValueError: the body cannot be applied; the text says where and what was expected.
        """
        found = list(self._meaning(path, body))
        return [self._checked(assignment) for assignment in found]

    def report(self, path: str, body: Any) -> tuple[list[Assignment], list[str]]:
        """Return what an owner's pub of `body` on `path` means, and what is wrong with single values of it.

        It tells what already is so: a variable whose new value cannot be held is not valid any more, and the others
        are none the worse for it.

        Raises:
            ValueError: nothing of the body can be applied.
        """
        found: list[Assignment] = []
        problems: list[str] = []
        for assignment in list(self._meaning(path, body)):
            try:
                found.append(self._checked(assignment))
            except ValueError as error:
                problems.append(str(error))
                found.append(replace(assignment, value=None))
        return found, problems

    def apply(self, assignment: Assignment) -> tuple[Variable, bool]:
        """Carry out a checked assignment; return the variable and whether its value changed. Runs no actions."""
        variable = self.create(assignment.place)
        if assignment.actions is not None:
            variable.actions = assignment.actions
        if assignment.parameters:
            variable.parameters.update(assignment.parameters)
        changed = assignment.value is not KEEP and variable.set(assignment.value)
        return variable, changed

    def create(self, place: Reference) -> Variable:
        """Return the variable at a place; make it if it is not there."""
        table = self.tables.setdefault(place.table, {})
        variable = table.get(place.name)
        if variable is None:
            variable = table[place.name] = Variable(places=[(place.table, place.name)])
        return variable

    def alias(self, place: Reference, target: Reference) -> None:
        """Make `place` show the same variable as `target` (engine.md 2.5)."""
        variable = self.create(target)
        table = self.tables.setdefault(place.table, {})
        if table.get(place.name) is variable:
            return
        if place.name in table:
            table[place.name].places.remove((place.table, place.name))
        table[place.name] = variable
        variable.places.append((place.table, place.name))

    def _meaning(self, path: str, body: Any) -> Iterator[Assignment]:
        table, _, name = path.rpartition("/")
        is_table = path in self.tables and self.find(table, name.partition("@")[0]) is None
        if isinstance(body, dict) and not body:
            raise ValueError("an empty object sets nothing")
        if isinstance(body, dict) and (is_table or ("value" not in body and self.find(table, name) is None)):
            if path == "/":
                raise ValueError("expected /table or /table/variable")
            for member, inner in body.items():
                yield _member(Reference(path, member), inner)
        elif is_table:
            raise ValueError(f'{path} is a table; expected an object such as {{"variable": value}}')
        elif not segments(table):
            raise ValueError(f"{path}: expected /table/variable")
        elif isinstance(body, dict) and set(body) == {name}:
            yield _member(Reference(table, name), body[name])
        elif "@" in name:
            name, _, parameter = name.partition("@")
            yield Assignment(Reference(table, name), parameters={parameter: body})
        else:
            yield _member(Reference(table, name), body)

    def _checked(self, assignment: Assignment) -> Assignment:
        if assignment.value is KEEP:
            return assignment
        variable = self.find(assignment.place.table, assignment.place.name) or Variable()
        try:
            return replace(assignment, value=variable.accept(assignment.value))
        except ValueError as error:
            raise ValueError(f"{assignment.place}: {error}") from None


def _member(place: Reference, body: Any) -> Assignment:
    if not place.name:
        raise ValueError(f"{place.table}: a variable without a name")
    if not isinstance(body, dict):
        return Assignment(place, body)
    value = body.get("value", KEEP)
    actions = body.get("actions")
    if actions is not None and not isinstance(actions, dict):
        raise ValueError(f'{place}: "actions" must be an object')
    parameters = {key: inner for key, inner in body.items() if key not in ("value", "actions")}
    return Assignment(place, KEEP if value == KEEP else value, parameters, actions)
