"""`Snapshot`: all that an engine has at one moment, as its answers tell, and what a calculator's files add to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from calculator.definition import is_calculator
from calculator.discovery import WAKE_MONITOR, Found, Tables, discover
from calculator.operands import Tree
from ess_bus.uri import is_under
from ess_bus.values import naked


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An engine at one moment.

    Attributes:
        tables: table -> variable -> its value and parameters, as the engine shows them to calculators.
        tree: its assets.
    """

    tables: Mapping[str, Mapping[str, Any]]
    tree: Tree

    @staticmethod
    def tables_of(full: Any) -> dict[str, Mapping[str, Any]]:
        """Return the tables of an answer to a get of all variables with their parameters.

        Raises:
            ValueError: somebody else has answered; the text says what was expected.
        """
        if not isinstance(full, Mapping) or not all(isinstance(members, Mapping) for members in full.values()):
            raise ValueError(f"expected tables, got {str(full)[:40]!r}")
        return {table: members for table, members in full.items() if table.startswith("/")}

    def found(self, files: Tables, engine: str) -> Found:
        """Return the calculators: those of the engine, and those of the files that it has no definition of."""
        tables = {table: dict(members) for table, members in self.tables.items()}
        for table, members in files.items():
            for name, definition in members.items():
                if self._is_new(table, name) and (is_under(table, WAKE_MONITOR) or _is_calculator(definition)):
                    tables.setdefault(table, {})[name] = definition
        return discover(tables, self.tree, engine, live=True)

    def values(self, table: str) -> dict[str, Any]:
        """Return the values and parameters of a table; a parameter's name is ``name@parameter``."""
        values: dict[str, Any] = {}
        for name, shown in self.tables.get(table, {}).items():
            values[name] = naked(shown)
            if isinstance(shown, Mapping):
                values |= flat(name, shown)
        return values

    def is_variable(self, path: str) -> bool:
        """Tell whether there is a variable at a path such as ``/status/bms/BMSPower``."""
        table, _, name = path.rpartition("/")
        return name in self.tables.get(table, {})

    def _is_new(self, table: str, name: str) -> bool:
        """Tell whether the engine has no parameters of a variable: then a file may define what it is."""
        shown = self.tables.get(table, {}).get(name)
        return not isinstance(shown, Mapping) or set(shown) <= {"value", "reason"}


def flat(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``name@parameter`` -> value."""
    return {f"{name}@{parameter}": value for parameter, value in parameters.items() if parameter != "value"}


def _is_calculator(definition: Any) -> bool:
    return isinstance(definition, Mapping) and is_calculator(definition)
