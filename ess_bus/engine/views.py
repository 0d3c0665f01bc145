"""Views: how the data map looks from the bus (engine.md 2.2, 2.3). Output is alphabetical, ``value`` first.

Tables below ``/assets`` are shown as people see them: in the order in which they were made, nested by path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.target import indexed
from ess_bus.engine.variable import Variable
from ess_bus.hints import did_you_mean
from ess_bus.uri import is_under, relative

# The data map reads actions, these name functions, and some of these publish views.
if TYPE_CHECKING:
    from ess_bus.engine.datamap import DataMap

ASSETS: Final = "/assets"
# Shown bare in a table of assets, and first: the table's title.
_TITLE: Final = "name"
# Their messages are what counts; whether they are enabled is not shown.
_MESSAGES: Final = frozenset({"alarm", "fault"})


class View(StrEnum):
    """The word after the engine's name in ``/ess/full/status/bms``."""

    PLAIN = ""
    NAKED = "naked"
    FULL = "full"
    UI = "ui"
    # What a calculator works from; actions are most of the full view of a real site, and can be more than fits a frame.
    LEAN = "_parameters"


_NAMED: Final = frozenset(View) - {View.PLAIN}


def get(datamap: DataMap, path: str, view: View = View.PLAIN) -> Any:
    """Return the answer to a get: a value, a table, several tables, or ``{}`` where there is no table.

    Raises:
        LookupError: the table exists and has no such variable; the text names the nearest ones.
        ValueError: the variable has no such bit.
    """
    table, _, last = path.rpartition("/")
    name, at, parameter = last.partition("@")
    variable = datamap.find(table, name)
    if variable is not None:
        return _parameter(variable, f"{table}:{name}", parameter) if at else _variable(name, variable, view)
    if "[" in last and (variable := datamap.find(table, indexed(last)[0])) is not None:
        return variable.cell.bit(indexed(last)[1] or 0)
    if view is not View.NAKED and is_under(path, ASSETS):
        found: dict[str, Any] = _tree(datamap, path, view)
    elif view is not View.NAKED and path in datamap.tables:
        return _table(datamap.tables[path], view)
    else:
        found = {uri: _table(variables, view) for uri, variables in datamap.below(path)}
    if not found and table in datamap.tables and path not in datamap.tables:
        raise LookupError(f"no variable {last!r} in {table}{did_you_mean(name, datamap.tables[table])}")
    return found


def of_table(uri: str, variables: dict[str, Variable], view: View) -> dict[str, Any]:
    """Return one table, without its name."""
    return _asset(variables, view) if view is not View.NAKED and is_under(uri, ASSETS) else _table(variables, view)


def split(path: tuple[str, ...]) -> tuple[View, tuple[str, ...]]:
    """Return (view, path) of the segments behind the engine's name.

    ``noid`` and ``useid`` may stand before the view; they say how a client names documents and nothing here.
    """
    if path and path[0] in ("noid", "useid"):
        path = path[1:]
    if path and path[0] in _NAMED:
        return View(path[0]), path[1:]
    return View.PLAIN, path


def full(variable: Variable) -> dict[str, Any]:
    """Return all of a variable: its value, parameters alphabetically, then ``options`` and ``actions``."""
    shown = _parameters(variable)
    return {**shown, "actions": variable.actions} if variable.actions else shown


def lean(variable: Variable) -> dict[str, Any]:
    """Return a variable's value and parameters and, of its actions, only which functions they call."""
    calls = list(_calls(variable.actions))
    return {**_parameters(variable), **({"actions": calls} if calls else {})}


def ui(variable: Variable) -> dict[str, Any]:
    """Return what a user interface needs to follow a variable."""
    parameters = variable.parameters
    shown: dict[str, Any] = {"value": variable.value}
    if "options" in parameters:
        shown["options"] = parameters["options"]
        if parameters.get("ui_type") in _MESSAGES:
            return shown
    return {**shown, "enabled": parameters.get("enabled", True)}


def _parameters(variable: Variable) -> dict[str, Any]:
    parameters = variable.parameters
    shown = {"value": variable.value, **{name: parameters[name] for name in sorted(parameters) if name != "options"}}
    return {**shown, "options": parameters["options"]} if "options" in parameters else shown


def _variable(name: str, variable: Variable, view: View) -> Any:
    if view is View.FULL:
        return {name: full(variable)}
    if view is View.LEAN:
        return {name: lean(variable)}
    return ui(variable) if view is View.UI else variable.value


def _parameter(variable: Variable, place: str, parameter: str) -> Any:
    if parameter == "value":
        return variable.value
    if parameter == "actions" and variable.actions:
        return variable.actions
    if parameter not in variable.parameters:
        raise LookupError(f"{place} has no parameter {parameter!r}{did_you_mean(parameter, variable.parameters)}")
    return variable.parameters[parameter]


_SHOW: Final[dict[View, Callable[[Variable], Any]]] = {
    View.PLAIN: lambda variable: {"value": variable.value},
    View.NAKED: lambda variable: variable.value,
    View.FULL: full,
    View.UI: ui,
    View.LEAN: lean,
}


def _calls(actions: Any) -> Iterator[dict[str, Any]]:
    """Yield ``func`` and ``amap`` wherever they stand in actions."""
    if isinstance(actions, list):
        for one in actions:
            yield from _calls(one)
    elif isinstance(actions, Mapping):
        if isinstance(actions.get("func"), str):
            yield {key: actions[key] for key in ("func", "amap") if key in actions}
        for inner in actions.values():
            yield from _calls(inner)


def _table(variables: dict[str, Variable], view: View) -> dict[str, Any]:
    return {name: _SHOW[view](variables[name]) for name in sorted(variables)}


def _tree(datamap: DataMap, path: str, view: View) -> dict[str, Any]:
    """Return the tables at and below a path, nested by their segments and in the order in which they were made."""
    tree: dict[str, Any] = {}
    for table, variables in datamap.tables.items():
        below = relative(table, path)
        if below is None:
            continue
        branch = tree
        for segment in below:
            if not isinstance(branch.get(segment), dict):
                branch[segment] = {}  # files may have a variable of the same name
            branch = branch[segment]
        branch.update(_asset(variables, view))
    return tree


def _asset(variables: dict[str, Variable], view: View) -> dict[str, Any]:
    show = _parameters if view is View.PLAIN else _SHOW[view]
    names: Iterable[str] = sorted(variables, key=lambda name: name != _TITLE)  # stable: the others keep their order
    return {
        name: variables[name].value if _is_title(name, variables[name]) else show(variables[name]) for name in names
    }


def _is_title(name: str, variable: Variable) -> bool:
    return name == _TITLE and isinstance(variable.value, str) and not variable.parameters and not variable.actions
