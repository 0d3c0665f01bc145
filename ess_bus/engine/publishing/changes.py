"""`Changes`: what has changed since it was last published, and how people see it (engine.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.variable import Variable
from ess_bus.engine.views import ui

# Parameters by which people see a variable; a change of another one is nobody's news.
SHOWN: Final = frozenset({"enabled", "options", "name", "unit", "scaler", "ui_type", "type"})

# So many values are looked at in about a millisecond.
_SLICE: Final = 500

Tables = dict[str, dict[str, Any]]


class Publications(NamedTuple):
    """What there is to publish, each as table -> variable -> something.

    Attributes:
        values: the value.
        seen: how user interfaces see it.
        parameters: parameter -> value; ``None`` is one that is gone.
    """

    values: Tables
    seen: Tables
    parameters: Tables


class Changes:
    """Gathers the changes of one turn.

    Values are published for everybody. What user interfaces follow, variables with a ``ui_type`` and those whose looks
    have changed, is published once more as they see it: programs that take values need not know of parameters.
    """

    def __init__(self, datamap: DataMap) -> None:
        self._datamap = datamap
        self._values: dict[str, set[str]] = {}
        self._watchers: dict[tuple[str, str], list[Callable[[], None]]] = {}

    def watch(self, table: str, name: str, wake: Callable[[], None]) -> None:
        """Call `wake` each time that a place shows another value."""
        self._watchers.setdefault((table, name), []).append(wake)

    def variable(self, variable: Variable) -> None:
        """Note that a variable shows another value, and with it all that share it."""
        for shown in variable.cell.variables:
            for table, name in shown.places:
                self.value(table, name)

    def value(self, table: str, name: str) -> None:
        """Note that a place shows another value."""
        names = self._values.get(table)
        if names is None:
            names = self._values[table] = set()
        names.add(name)
        for wake in self._watchers.get((table, name), ()):
            wake()

    def several(self, table: str, names: Collection[str]) -> None:
        """The same of several places of a table."""
        self._values.setdefault(table, set()).update(names)
        for place in self._watchers.keys() & {(table, name) for name in names} if self._watchers else ():
            for wake in self._watchers[place]:
                wake()

    def forget(self) -> None:
        """Publish nothing of what has changed up to now."""
        self._values.clear()
        self._datamap.take_restyled()

    def take(self, pause: Callable[[], object] = bool) -> Publications:
        """Return what has changed since the last call, and forget it.

        Args:
            pause: called now and then while there is much; what it changes is for the next call.
        """
        if not self._values and not self._datamap.is_restyled:
            return Publications({}, {}, {})
        tables = self._datamap.tables
        noted, self._values = self._values, {}
        parameters = self._datamap.take_restyled()
        values: Tables = {}
        looks: dict[tuple[str, str], Collection[str]] = {}
        for table in sorted(noted):
            variables, members = tables[table], values.setdefault(table, {})
            for number, name in enumerate(sorted(noted[table]), 1):
                variable = variables[name]
                members[name] = variable.value
                if "ui_type" in variable.parameters:
                    looks[table, name] = ()
                if number % _SLICE == 0:
                    pause()
        looks |= _looks(parameters)
        pause()
        seen: Tables = {}
        for number, ((table, name), shown) in enumerate(sorted(looks.items()), 1):
            seen.setdefault(table, {})[name] = _seen(tables[table][name], shown)
            if number % _SLICE == 0:
                pause()
        return Publications(values, seen, parameters)

    def everything(self) -> Publications:
        """Return what is there, as for somebody who knows nothing, and forget the changes.

        Of parameters only those that have changed: whoever uses them has asked for the others, perhaps in this turn.
        """
        parameters = self._datamap.take_restyled()
        self.forget()
        values: Tables = {}
        seen: Tables = {}
        for table, variables in self._datamap.tables.items():
            values[table] = {name: variable.value for name, variable in variables.items()}
            pictures = {name: ui(one) for name, one in sorted(variables.items()) if "ui_type" in one.parameters}
            if pictures:
                seen[table] = pictures
        return Publications(values, seen, parameters)


def _looks(parameters: Tables) -> dict[tuple[str, str], Collection[str]]:
    """Return which parameters by which people see a variable have changed."""
    return {
        (table, name): shown
        for table, members in parameters.items()
        for name, changed in members.items()
        if (shown := SHOWN.intersection(changed))
    }


def _seen(variable: Variable, parameters: Collection[str]) -> dict[str, Any]:
    shown = ui(variable)
    more = {name: variable.parameters[name] for name in sorted(parameters) if name in variable.parameters}
    return {**shown, **{name: value for name, value in more.items() if name not in shown}}
