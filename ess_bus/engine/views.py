"""Views: how the data map looks from the bus (engine.md 2.2, 2.3). Output is alphabetical, ``value`` first."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.variable import Variable
from ess_bus.hints import did_you_mean


class View(StrEnum):
    """The word after the engine's name in ``/ess/full/status/bms``."""

    PLAIN = ""
    NAKED = "naked"
    FULL = "full"


def get(datamap: DataMap, path: str, view: View = View.PLAIN) -> Any:
    """Return the answer to a get: a value, a table, several tables, or ``{}`` where there is no table.

    Raises:
        LookupError: the table exists and has no such variable; the text names the nearest ones.
    """
    table, _, name = path.rpartition("/")
    name, at, parameter = name.partition("@")
    variable = datamap.find(table, name)
    if variable is not None:
        return _parameter(variable, f"{table}:{name}", parameter) if at else _variable(name, variable, view)
    if path in datamap.tables and view is not View.NAKED:
        return _table(datamap.tables[path], view)
    found = {uri: _table(variables, view) for uri, variables in datamap.below(path)}
    if not found and table in datamap.tables:
        raise LookupError(f"no variable {name!r} in {table}{did_you_mean(name, datamap.tables[table])}")
    return found


def split(path: tuple[str, ...]) -> tuple[View, tuple[str, ...]]:
    """Return (view, path) of the segments behind the engine's name."""
    if path and path[0] in (View.NAKED, View.FULL):
        return View(path[0]), path[1:]
    return View.PLAIN, path


def _variable(name: str, variable: Variable, view: View) -> Any:
    return {name: _full(variable)} if view is View.FULL else variable.value


def _parameter(variable: Variable, place: str, parameter: str) -> Any:
    if parameter not in variable.parameters:
        raise LookupError(f"{place} has no parameter {parameter!r}")
    return variable.parameters[parameter]


def _table(variables: dict[str, Variable], view: View) -> dict[str, Any]:
    show: dict[View, Callable[[Variable], Any]] = {
        View.PLAIN: lambda variable: {"value": variable.value},
        View.NAKED: lambda variable: variable.value,
        View.FULL: _full,
    }
    return {name: show[view](variables[name]) for name in sorted(variables)}


def _full(variable: Variable) -> dict[str, Any]:
    shown = {"value": variable.value, **dict(sorted(variable.parameters.items()))}
    return {**shown, "actions": variable.actions} if variable.actions else shown
