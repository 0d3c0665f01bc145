"""`Reader`: from documents of tables to assignments, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ess_bus.engine.blocking import BLOCKED, OLD_KEYS
from ess_bus.engine.cell import kind_of, plain
from ess_bus.engine.datamap import DataMap, problems
from ess_bus.engine.links import LINKS, VLINKS, is_note, link, vlink
from ess_bus.engine.meaning import KEEP, Assignment, member
from ess_bus.engine.variable import Variable
from ess_bus.errors import Problem, UriError
from ess_bus.reference import Reference
from ess_bus.tables.collection import Located
from ess_bus.tables.document import Document
from ess_bus.tables.parsing import pairs
from ess_bus.uri import check as check_uri
from ess_bus.uri import is_under, normal, segments
from ess_bus.values import naked

_RULES: Final = frozenset(f"{BLOCKED}/{method}" for method in ("get", "set", "pub"))


class Reader:
    """Takes documents into a data map that is made for that, one after the other.

    Args:
        datamap: what is there already; it is changed.
        strict: what is left out of a file makes it unusable, but for items of actions and `clashes`.
        origins: which file defined what is there already, as far as that is known.

    Attributes:
        assignments: what the documents mean, in their order.
        errors: what makes a document unusable.
        warnings: what is left out of the others.
        clashes: variables that are left out because they are of another type already.
        origins: which file a variable was defined in last.
    """

    def __init__(
        self, datamap: DataMap, *, strict: bool = False, origins: Mapping[Reference, str] | None = None
    ) -> None:
        self._datamap = datamap
        self._leave_out = self._refuse if strict else self._warn
        self._source = ""
        self._name = ""
        self.assignments: list[Assignment] = []
        self.errors: list[Located] = []
        self.warnings: list[Located] = []
        self.clashes: list[Located] = []
        self.origins: dict[Reference, str] = dict(origins or {})

    def read(self, document: Document) -> None:
        """Take a document."""
        self._source, self._name = document.source, document.name
        for key in document.strange:
            self._leave_out(key, "unknown key; tables start with '/'")
        for table, members in document.tables:
            self._table(table, members)

    def _table(self, table: str, members: Any) -> None:
        try:
            path = normal(check_uri(table))
        except UriError as error:
            self._refuse(table, error.reason)
            return
        if path == "/":
            self._refuse(table, "expected a table such as /status/bms")
            return
        if not isinstance(members, dict):
            self._refuse(table, f"expected an object of variables, got {str(members)[:40]!r}")
            return
        if is_under(path, BLOCKED) and path not in _RULES:
            self._warn(path, f"blocks nothing; {BLOCKED}/get, set and pub do")
        self._datamap.table(path)
        for name, definition in pairs(members):
            self._define(path, name, definition)
            if name in OLD_KEYS and segments(path)[0] == "config":
                self._old_rules(f"{path}:{name}", OLD_KEYS[name], definition)

    def _define(self, table: str, name: str, definition: Any) -> None:
        own = Reference(table, name)
        known = self._datamap.find(table, name)
        try:
            assignment = self._datamap.checked(member(own, definition))
        except ValueError as error:
            clash = None if known is None else self._clash(own, known, definition)
            if clash is not None:
                # The type of the first definition stays, and the rest of the second file is none the worse for it.
                self.clashes.append(Located(self._source, Problem(f"{self._name}: {own}", clash)))
            else:
                (self._refuse if known is None else self._leave_out)(table, str(error))
            return
        self._datamap.apply(assignment)
        self.assignments.append(assignment)
        self.origins[assignment.place] = self._source
        place = str(assignment.place)
        for text in problems(assignment):
            self._warn(place, text)
        if (problem := _link_problem(assignment)) is not None:
            self._leave_out(place, f"{problem}; left out")

    def _clash(self, place: Reference, known: Variable, definition: Any) -> str | None:
        """Return how the types of two definitions differ, ``None`` if that is not what is wrong."""
        value = naked(definition)
        if isinstance(value, dict) or known.locked:
            return None
        first, kind = known.cell.kind, kind_of(plain(value))
        origin = self.origins[place].rpartition("/")[2] if place in self.origins else "what is there"
        return None if first is kind else f"a {kind} here and a {first} in {origin}; left out"

    def _old_rules(self, where: str, table: str, given: Any) -> None:
        """Take ``BlockSets`` of ``/config/<asset>`` for the table of such rules that it stands for."""
        prefixes = [text.strip() for text in given.split(",")] if isinstance(given, str) else []
        if not prefixes or not all(prefix.startswith("/") and segments(prefix) for prefix in prefixes):
            self._warn(where, "expected URIs separated by commas; left out")
            return
        for prefix in prefixes:
            self._define(table, prefix, {"value": True})

    def _warn(self, where: str, message: str) -> None:
        self.warnings.append(Located(self._source, Problem(f"{self._name}: {where}", message)))

    def _refuse(self, where: str, message: str) -> None:
        self.errors.append(Located(self._source, Problem(where, message)))


def _link_problem(assignment: Assignment) -> str | None:
    table, name, _ = assignment.place
    value = None if assignment.value == KEEP else assignment.value
    try:
        if table.startswith(LINKS + "/") and not is_note(name):
            link(value, assignment.parameters or {})
        elif table.startswith(VLINKS + "/") and not is_note(name):
            vlink(value, assignment.parameters or {})
    except ValueError as error:
        return str(error)
    return None
