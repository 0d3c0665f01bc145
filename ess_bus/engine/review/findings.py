"""What is wrong in a configuration that can be loaded: nothing behind a name, expressions that are none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ess_bus.engine import functions
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.review.uses import SCHEDULE, Use, follows_links, uses
from ess_bus.engine.variable import Variable
from ess_bus.expression import Expression, ExpressionError
from ess_bus.hints import did_you_mean
from ess_bus.reference import Reference
from ess_bus.uri import segments

EXPRESSION: Final = "an expression that cannot be read"
UNHEARD: Final = "a schedule of a function that is not known"
# Expressions of a calculator or command, and of monitors with conditions.
_CONDITIONS: Final = ("alarmCondition", "faultCondition", "resetCondition")


class Finding(NamedTuple):
    """One thing that is wrong: where, of which kind, and in words."""

    where: Reference
    kind: str
    message: str


def findings(datamap: DataMap, root: str, elsewhere: frozenset[str]) -> Iterator[Finding]:
    """Yield what is wrong.

    Args:
        datamap: with the definitions of a configuration.
        root: the engine's name.
        elsewhere: first segments of what other processes define: ``components``.
    """
    there = _Defined(datamap, elsewhere)
    for use in uses(datamap, root):
        if not there.is_defined(use.target):
            yield Finding(use.where, use.kind, f"{use.target}: {use.kind}{there.nearest(use.target)}")
    for table, variables in datamap.tables.items():
        for name, variable in variables.items():
            yield from _expressions(Reference(table, name), variable)
            yield from _functions(Reference(table, name), variable)


class _Defined:
    """What a configuration defines."""

    def __init__(self, datamap: DataMap, elsewhere: frozenset[str]) -> None:
        self._datamap, self._elsewhere = datamap, elsewhere
        self._linked = follows_links(datamap)
        self._nearest: dict[Reference, str] = {}

    def is_defined(self, place: Reference) -> bool:
        return (
            self._datamap.find(place.table, place.name) is not None
            or place in self._linked
            or segments(place.table)[0] in self._elsewhere
        )

    def nearest(self, place: Reference) -> str:
        if place not in self._nearest:
            table = self._datamap.tables.get(place.table)
            known = (
                did_you_mean(place.table, self._datamap.tables) if table is None else did_you_mean(place.name, table)
            )
            self._nearest[place] = known
        return self._nearest[place]


def _expressions(where: Reference, variable: Variable) -> Iterator[Finding]:
    parameters = variable.parameters
    keys = [key for key in _CONDITIONS if isinstance(parameters.get(key), str)]
    if parameters.get("useExpr"):
        keys.append("expression")
    for key in keys:
        try:
            Expression.parse(str(parameters.get(key, "")), _operands(parameters))
        except ExpressionError as error:
            yield Finding(where, EXPRESSION, f"{key}: {error}")


def _operands(parameters: dict[str, Any]) -> int | None:
    count = parameters.get("numVars")
    if not isinstance(count, int) or isinstance(count, bool):
        return None
    # Monitors have their own value in front where nothing else is said.
    return count + bool(parameters.get("includeCurrVal", "expression" not in parameters))


def _functions(where: Reference, variable: Variable) -> Iterator[Finding]:
    root = segments(where.table)[0]
    name = variable.parameters.get({"schedule": "func", "sched": "fcn"}.get(root, ""))
    if isinstance(name, str) and name and not functions.is_known(name):
        hint = did_you_mean(name, functions.known())
        yield Finding(where, UNHEARD, f"the function {name} is not known{hint}")


__all__ = ["EXPRESSION", "SCHEDULE", "UNHEARD", "Finding", "Use", "findings"]
