"""`Restyled`: which parameters of which variables have changed since somebody has asked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ess_bus.engine.parameters import Parameters
from ess_bus.engine.variable import Variable


class Restyled:
    """Gathers what `Parameters` tell."""

    def __init__(self) -> None:
        self._names: dict[Variable, set[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._names)

    def parameters(self, variable: Variable, given: Mapping[str, Any] | None) -> Parameters:
        """Return parameters for a new variable, which tell from now on when one of them changes."""
        return Parameters(partial(self._note, variable), given)

    def introduce(self, variable: Variable) -> None:
        """A variable is in a table from now on: all its parameters are new."""
        if variable.parameters:
            self._names[variable] = set(variable.parameters)

    def take(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Return table -> variable -> parameter -> value of all that changed since the last call; ``None``: it is gone.

        A parameter belongs to one variable, which links may show in several tables.
        """
        if not self._names:
            return {}
        restyled, self._names = self._names, {}
        shown: dict[str, dict[str, dict[str, Any]]] = {}
        for variable, names in restyled.items():
            parameters = variable.parameters
            changed = {name: parameters.get(name) for name in sorted(names)}
            for table, name in variable.places:
                members = shown.get(table)
                if members is None:
                    members = shown[table] = {}
                members[name] = changed
        # One variable in one table, as there is nearly always, is in its order.
        if len(restyled) == 1 == len(variable.places):
            return shown
        return {table: dict(sorted(shown[table].items())) for table in sorted(shown)}

    def _note(self, variable: Variable, parameter: str) -> None:
        names = self._names.get(variable)
        if names is None:
            names = self._names[variable] = set()
        names.add(parameter)
