"""What a set or pub means: from a path and a body to assignments (engine.md 2.4).

A URI is either a table or a variable, for good: what would make one into the other is refused. Tables below the bus
have at least two segments (``/status/bms``), unless the configuration has a shorter one.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any, Final, NamedTuple, Protocol

from ess_bus.engine.actions.item import Step
from ess_bus.engine.actions.reading import Problem
from ess_bus.engine.target import indexed
from ess_bus.reference import Reference
from ess_bus.uri import check, is_under, join, normal, segments
from ess_bus.values import naked

# Set as a value it means: leave the value alone, take the parameters only.
KEEP: Final = "$$"
# Says in a definition whether its actions are run, whatever else is in it.
ACT: Final = "$$action"
# Names, in a definition, parameters that shall be gone.
REMOVE: Final = "$$remove"
# A variable of these tables is a reference to another variable, or a URI.
_LISTS: Final = frozenset({"schedule", "sched", "blockeduris", "gets", "sets", "pubs"})
_RESERVED: Final = frozenset("@:/[")


# A tuple, because one is made of every value that arrives: a frozen dataclass takes several times as long.
class Assignment(NamedTuple):
    """What one set or pub does to one variable.

    Attributes:
        place: where.
        value: the new value, or `KEEP`.
        parameters: to be added or replaced.
        actions: replaces the variable's actions if it is not ``None``.
        bit: `value` is this bit of the variable (from 0).
        act: whether actions follow; ``None``: if there is a value.
        removed: parameters that are taken away.
        program: what of `actions` is carried out, once they were read.
        problems: what of them is not.
    """

    place: Reference
    value: Any = KEEP
    parameters: dict[str, Any] | None = None
    actions: dict[str, Any] | None = None
    bit: int | None = None
    act: bool | None = None
    removed: tuple[str, ...] = ()
    program: tuple[Step, ...] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def runs_actions(self) -> bool:
        """Whether the variable's actions follow."""
        return self.value is not KEEP if self.act is None else self.act


class Known(Protocol):
    """What must be known of a data map to read a message to it."""

    def is_variable(self, path: str) -> bool:
        """Tell whether there is a variable at this path."""

    def is_table(self, path: str) -> bool:
        """Tell whether there is a table at this path, or below it."""

    @property
    def tables(self) -> Mapping[str, Container[str]]:
        """The tables, by path, with the names of their variables."""


def interpret(known: Known, path: str, body: Any) -> Iterator[Assignment]:
    """Yield what `body` on `path` assigns.

    Raises:
        ValueError: it cannot be applied; the text says where and what was expected.
    """
    table, _, name = path.rpartition("/")
    if isinstance(body, dict) and not body:
        raise ValueError("an empty object sets nothing")
    if not segments(path):
        yield from _tables(known, body)
    elif "@" in name:
        yield _parameter(known, table, name, body)
    elif "[" in name and not known.is_variable(path):
        yield _bit(known, table, name, body)
    elif known.is_table(path):
        yield from _members(known, path, body)
    elif isinstance(body, dict) and set(body) == {name} and (known.is_variable(path) or known.is_table(table)):
        yield member(Reference(table, name), body[name])
    elif isinstance(body, dict) and "value" not in body and not known.is_variable(path):
        _require_table(known, path)
        yield from _members(known, path, body)
    else:
        if not known.is_variable(path):
            _require_table(known, table)
        yield _new_or_known(known, Reference(table, name), body)


def member(place: Reference, body: Any) -> Assignment:
    """Return what `body` assigns to one variable: a bare value, or an object with ``value``, parameters, ``actions``.

    Raises:
        ValueError: the actions are not an object, or the variable has no name.
    """
    if not place.name:
        raise ValueError(f"{place.table}: a variable without a name")
    if not isinstance(body, dict):
        return Assignment(place, KEEP if body == KEEP else body)
    value = body.get("value", KEEP)
    actions = body.get("actions")
    if actions is not None and not isinstance(actions, dict):
        raise ValueError(f'{place}: "actions" must be an object')
    act = body.get(ACT)
    if act is not None and not isinstance(act, bool):
        raise ValueError(f'{place}: "{ACT}" must be true or false')
    removed = body.get(REMOVE, [])
    if not isinstance(removed, list) or not all(isinstance(name, str) for name in removed):
        raise ValueError(f'{place}: "{REMOVE}" must be a list of names')
    parameters = {key: inner for key, inner in body.items() if key not in ("value", "actions", ACT, REMOVE)}
    return Assignment(place, KEEP if value == KEEP else value, parameters, actions, act=act, removed=tuple(removed))


def _tables(known: Known, body: Any) -> Iterator[Assignment]:
    """Yield what ``{"/table": {...}}`` on the root assigns: the shape in which a get of several tables answers."""
    if not isinstance(body, dict) or not all(table.startswith("/") and segments(table) for table in body):
        raise ValueError("expected /table or /table/variable")
    for table, members in body.items():
        yield from interpret(known, normal(check(table)), members)


def _members(known: Known, table: str, body: Any) -> Iterator[Assignment]:
    if not isinstance(body, dict):
        raise ValueError(f'{table} is a table; expected an object such as {{"variable": value}}')
    parts, there = segments(table), known.tables.get(table, ())
    for name, inner in body.items():
        # Nearly all that arrives is a bare value of what is there, and needs no second look.
        if name in there and not isinstance(inner, dict) and inner != KEEP:
            yield Assignment(Reference(table, name), inner)
            continue
        path = f"{table}/{name}"
        if name.startswith("/") and is_under(name, table) and parts[0] not in _LISTS:
            yield from interpret(known, normal(check(name)), inner)
        elif "/" not in name and (known.is_table(path) or (len(parts) == 1 and not known.is_variable(path))):
            yield from interpret(known, path, inner)
        else:
            yield _new_or_known(known, Reference(table, name), inner)


def _new_or_known(known: Known, place: Reference, body: Any) -> Assignment:
    if not known.is_variable(f"{place.table}/{place.name}") and segments(place.table)[0] not in _LISTS:
        unusable = sorted(_RESERVED & set(place.name))
        if unusable:
            raise ValueError(f"{place.name[:60]!r} cannot be a variable's name: it contains {' '.join(unusable)}")
        # Nobody could get it, and lines of the log must not break at it.
        check(f"{place.table}/{place.name}")
    return member(place, body)


def _parameter(known: Known, table: str, name: str, body: Any) -> Assignment:
    name, _, parameter = name.partition("@")
    place = Reference(table, name)
    if not known.is_variable(f"{table}/{name}"):
        raise ValueError(f"{table}/{name} is not a variable")
    if parameter == "value":
        return Assignment(place, body)
    if not parameter or "@" in parameter or parameter == "actions":
        raise ValueError(f"{place}@{parameter} cannot be set as a parameter")
    return Assignment(place, parameters={parameter: body})


def _bit(known: Known, table: str, name: str, body: Any) -> Assignment:
    name, bit = indexed(name)
    if bit is None or not known.is_variable(f"{table}/{name}"):
        raise ValueError(f"{table}/{name} is not a variable with bits such as x[3]")
    return Assignment(Reference(table, name), naked(body), bit=bit)


def _require_table(known: Known, table: str) -> None:
    parts = segments(table)
    if len(parts) < 2:
        raise ValueError(f"{table or '/'} cannot hold variables; expected /table/variable with a table as /status/bms")
    for length in range(2, len(parts) + 1):
        path = join(parts[:length])
        if known.is_variable(path):
            raise ValueError(f"{path} is a variable, not a table")
