"""What the tests of the calculator share: definitions, and calculators made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calculator.core import CLAIM, Calculator
from calculator.discovery import Found, discover
from calculator.operands import Tree
from calculator.snapshot import flat
from ess_bus.values import naked

POWER = {
    "value": 0,
    "numVars": 2,
    "variable1": "mbmu_voltage",
    "variable2": "BMSCurrent",
    "scale": 1000,
    "operation": "*",
}


def operation(name: str, *variables: str, **keys: Any) -> dict[str, Any]:
    """Return the definition of a calculator with an operation."""
    return {"numVars": len(variables), **_numbered(variables), "operation": name, **keys}


def expression(text: str, *variables: str, **keys: Any) -> dict[str, Any]:
    """Return the definition of a calculator with an expression."""
    return {"numVars": len(variables), **_numbered(variables), "useExpr": True, "expression": text, **keys}


def found(tables: Mapping[str, Mapping[str, Any]], engine: str = "ess") -> Found:
    """Return what is found in tables, with the assets that they tell of."""
    return discover(tables, Tree.of_tables(tables, engine), engine)


class Bench:
    """A calculator and an engine that takes what it sets and shows it at once.

    Args:
        tables: what the engine has at the beginning.
        keys: for `Calculator`.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Any]], **keys: Any) -> None:
        self.now = 0.0
        self.calculator = Calculator(found(tables), **keys)
        self.reasons: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        for table, members in tables.items():
            for name, definition in members.items():
                self.show(table, name, naked(definition) if isinstance(definition, Mapping) else definition)
                if isinstance(definition, Mapping):
                    self.calculator.update(table, flat(name, definition), self.now)
        self.calculator.begin()

    def show(self, table: str, name: str, value: Any) -> None:
        """Let the engine publish a value, or a parameter: ``name@parameter``."""
        self.values[f"{table}:{name}"] = value
        self.calculator.update(table, {name: value}, self.now)

    def put(self, **values: Any) -> dict[str, Any]:
        """Let values of ``/status/bms`` change, and a second pass; return what is set."""
        for name, value in values.items():
            self.show("/status/bms", name, value)
        return self.run()

    def run(self, seconds: float = 1.0) -> dict[str, Any]:
        """Let time pass, calculate, and take the results; return the values that were set, by name."""
        self.now += seconds
        shown: dict[str, Any] = {}
        for table, results in self.calculator.results(self.now).items():
            self.calculator.has_set(table, results, self.now)
            for name, change in results.items():
                if isinstance(change, Mapping):
                    if change is CLAIM:
                        continue
                    self.reasons[name] = change.get("reason", "")
                    if "value" not in change:
                        continue
                shown[name] = naked(change)
                self.show(table, name, naked(change))
        return shown


def _numbered(variables: tuple[str, ...]) -> dict[str, str]:
    return {f"variable{number}": variable for number, variable in enumerate(variables, 1)}
