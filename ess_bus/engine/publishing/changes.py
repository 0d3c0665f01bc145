"""`Changes`: what has changed since it was last published, and how people see it (engine.md 6)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.variable import Variable
from ess_bus.engine.views import ui

# Parameters by which people see a variable; a change of another one is nobody's news.
SHOWN: Final = frozenset({"enabled", "options", "name", "unit", "scaler", "ui_type", "type"})

Tables = dict[str, dict[str, Any]]


class Changes:
    """Gathers the changes of one turn.

    Values are published for everybody. What user interfaces follow, variables with a ``ui_type`` and those whose looks
    have changed, is published once more as they see it: programs that take values need not know of parameters.
    """

    def __init__(self, datamap: DataMap) -> None:
        self._datamap = datamap
        self._values: dict[str, set[str]] = {}
        self._looks: dict[tuple[str, str], set[str]] = {}
        self._watchers: dict[tuple[str, str], list[Callable[[], None]]] = {}

    def watch(self, table: str, name: str, wake: Callable[[], None]) -> None:
        """Call `wake` each time that a place shows another value."""
        self._watchers.setdefault((table, name), []).append(wake)

    def value(self, table: str, name: str) -> None:
        """Note that a place shows another value."""
        self._values.setdefault(table, set()).add(name)
        for wake in self._watchers.get((table, name), ()):
            wake()

    def looks(self, variable: Variable, parameters: Collection[str]) -> None:
        """Note that parameters of a variable have changed."""
        shown = SHOWN.intersection(parameters)
        if shown:
            for place in variable.places:
                self._looks.setdefault(place, set()).update(shown)

    def forget(self) -> None:
        """Publish nothing of what has changed up to now."""
        self._values.clear()
        self._looks.clear()

    def take(self) -> tuple[Tables, Tables]:
        """Return (table -> variable -> value, table -> variable -> as user interfaces see it), and forget both."""
        tables = self._datamap.tables
        values = {
            table: {name: tables[table][name].value for name in sorted(names)}
            for table, names in sorted(self._values.items())
        }
        looks = self._looks
        for table, names in self._values.items():
            for name in names:
                if "ui_type" in tables[table][name].parameters:
                    looks.setdefault((table, name), set())
        seen: Tables = {}
        for (table, name), parameters in sorted(looks.items()):
            seen.setdefault(table, {})[name] = _seen(tables[table][name], parameters)
        self._values, self._looks = {}, {}
        return values, seen

    def everything(self) -> tuple[Tables, Tables]:
        """Return the same for all that is there, as for somebody who knows nothing, and forget the changes."""
        self.forget()
        values, seen = {}, {}
        for table, variables in self._datamap.tables.items():
            values[table] = {name: variable.value for name, variable in variables.items()}
            pictures = {name: ui(one) for name, one in sorted(variables.items()) if "ui_type" in one.parameters}
            if pictures:
                seen[table] = pictures
        return values, seen


def _seen(variable: Variable, parameters: Collection[str]) -> dict[str, Any]:
    shown = ui(variable)
    more = {name: variable.parameters[name] for name in sorted(parameters) if name in variable.parameters}
    return {**shown, **{name: value for name, value in more.items() if name not in shown}}
