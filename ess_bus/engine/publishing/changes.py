"""`Changes`: what has changed since it was last published, and how people see it (engine.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.variable import Variable
from ess_bus.engine.views import ui

# Parameters by which people see a variable; a change of another one is nobody's news.
SHOWN: Final = frozenset({"enabled", "options", "name", "unit", "scaler", "ui_type", "type"})

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
        # (table, name) of what shows another value.
        self._changed: set[tuple[str, str]] = set()
        self._watchers: dict[tuple[str, str], list[Callable[[], None]]] = {}

    def watch(self, table: str, name: str, wake: Callable[[], None]) -> None:
        """Call `wake` each time that a place shows another value."""
        self._watchers.setdefault((table, name), []).append(wake)

    def variable(self, variable: Variable) -> None:
        """Note that a variable shows another value, and with it all that share it."""
        for shown in variable.cell.variables:
            for place in shown.places:
                self._changed.add(place)
                for wake in self._watchers.get(place, ()):
                    wake()

    def value(self, table: str, name: str) -> None:
        """Note that a place shows another value."""
        self._changed.add((table, name))
        for wake in self._watchers.get((table, name), ()):
            wake()

    def forget(self) -> None:
        """Publish nothing of what has changed up to now."""
        self._changed.clear()
        self._datamap.take_restyled()

    def take(self) -> Publications:
        """Return what has changed since the last call, and forget it."""
        parameters = self._datamap.take_restyled()
        values: Tables = {}
        # What user interfaces follow -> those of its looks that have changed.
        looks: dict[tuple[str, str], Collection[str]] = {}
        changed, self._changed = self._changed, set()
        tables = self._datamap.tables
        for place in sorted(changed) if len(changed) > 1 else changed:
            table, name = place
            variable = tables[table][name]
            members = values.get(table)
            if members is None:
                members = values[table] = {}
            members[name] = variable.cell.value
            if "ui_type" in variable.parameters:
                looks[place] = ()
        for table, restyled in parameters.items():
            for name, news in restyled.items():
                if not SHOWN.isdisjoint(news):
                    looks[table, name] = SHOWN.intersection(news)
        seen: Tables = {}
        for (table, name), shown in sorted(looks.items()) if looks else ():
            seen.setdefault(table, {})[name] = _seen(tables[table][name], shown)
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


def _seen(variable: Variable, parameters: Collection[str]) -> dict[str, Any]:
    shown = ui(variable)
    more = {name: variable.parameters[name] for name in sorted(parameters) if name in variable.parameters}
    return {**shown, **{name: value for name, value in more.items() if name not in shown}}
