"""A site's calculators for the rows about them: as many as real sites have in all, of the same kinds. No I/O."""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any, Final

from tools.bench.expressions import CASES, Value

COUNT: Final = 338
TABLES: Final = 10
# How often real sites use which operation; the rest of their calculators are expressions.
_OPERATIONS: Final = {
    "*": 74,
    "or": 26,
    "+": 23,
    "max": 14,
    "min": 10,
    "avg": 8,
    "/": 4,
    "and": 4,
    "-": 2,
    "<": 1,
    ">": 1,
}
_OPERANDS: Final = 2

Tables = dict[str, dict[str, Any]]


def definitions(rate_s: float) -> Tables:
    """Return the calculators in tables ``/status/c0``..., their operands in ``/components/c0``..., and a wake list."""
    tables: Tables = {}
    for number, (definition, operands) in enumerate(_kinds()):
        asset = f"c{number % TABLES}"
        names = [f"v{number}_{index}" for index in range(len(operands))]
        tables.setdefault(f"/components/{asset}", {}).update(zip(names, operands, strict=True))
        variables = {f"variable{index}": f"/components/{asset}:{name}" for index, name in enumerate(names, 1)}
        result = {"value": None, "numVars": len(names), **variables, **definition}
        tables.setdefault(f"/status/{asset}", {})[f"r{number}"] = result
        entry = {"enable": True, "rate": rate_s, "func": "CalculateVar"}
        tables.setdefault(f"/schedule/wake_monitor/{asset}", {})[f"/status/{asset}:r{number}"] = entry
    return tables


def operands(tick: int) -> Tables:
    """Return the operands' values of a tick: each another one than at the tick before."""
    tables: Tables = {}
    for number, (_, values) in enumerate(_kinds()):
        moved = {f"v{number}_{index}": _moved(value, tick) for index, value in enumerate(values)}
        tables.setdefault(f"/components/c{number % TABLES}", {}).update(moved)
    return tables


def _kinds() -> list[tuple[dict[str, Any], tuple[Value, ...]]]:
    chosen: list[tuple[dict[str, Any], tuple[Value, ...]]] = [
        ({"operation": name, "scale": 1000}, (number + 2, 3)[:_OPERANDS])
        for name, count in _OPERATIONS.items()
        for number in range(count)
    ]
    expressions = [({"useExpr": True, "expression": case.text}, case.operands) for case in CASES]
    return [*chosen, *islice(cycle(expressions), COUNT - len(chosen))]


def _moved(value: Value, tick: int) -> Value:
    if isinstance(value, bool):
        return value if tick % 2 else not value
    if isinstance(value, str):
        return value if tick % 2 else f"{value}-{tick}"
    return value + tick % 1000
