"""Finding the calculators in configuration files: variables with ``numVars``, ``operation``, ``variable1``... ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from calculator.operations import OPERATIONS, Number
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.expression import Expression, ParseError
from ess_bus.reference import Reference
from ess_bus.tables.folder import read_tables
from ess_bus.uri import normal, segments

WAKE_MONITOR: Final = "/schedule/wake_monitor"
FUNCTION: Final = "CalculateVar"
# How often a calculator runs at most, where the schedule does not say (engine.md 1.5).
DEFAULT_RATE_S: Final = 0.1
_OPERAND: Final = re.compile(r"variable(\d+)")


@dataclass(frozen=True, slots=True)
class Calculation:
    """One calculator.

    Attributes:
        result: the variable that it sets.
        operands: in the order of ``variable1..N``.
        operation: a name in `OPERATIONS`, or what is calculated from ``{1}..{N}``.
        scale: the result of an operation is divided by it; an expression says itself what it divides by (engine.md
            1.4).
        rate_s: it runs this often at most, in seconds.
    """

    result: Reference
    operands: tuple[Reference, ...]
    operation: str | Expression
    scale: Number = 1
    rate_s: float = DEFAULT_RATE_S


@dataclass(frozen=True, slots=True)
class CalculatorConfiguration:
    """The calculators of a configuration, and what was left out and why."""

    calculations: tuple[Calculation, ...]
    warnings: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Schedule:
    """What ``/schedule/wake_monitor/<asset>`` says of one variable."""

    asset: str
    enabled: bool = True
    rate_s: float = DEFAULT_RATE_S


def load(path: Path) -> CalculatorConfiguration:
    """Find the calculators in a JSON file or in a folder of them.

    Raises:
        ConfigurationError: a file cannot be read, is not an object of tables, or a schedule entry has a wrong type.
    """
    tables = list(_tables(path))
    schedule = dict(_schedule(tables))
    calculations: list[Calculation] = []
    warnings: list[Problem] = []
    for file, table, members in tables:
        for name, definition in members.items():
            if not isinstance(definition, dict) or not _is_calculator(definition) or table.startswith("/schedule"):
                continue
            place = Reference(normal(table), name)
            scheduled = schedule.pop(place, None)
            if (scheduled is not None and not scheduled.enabled) or definition.get("enabled") is False:
                continue
            try:
                calculations.append(_calculation(place, definition, scheduled))
            except ValueError as error:
                warnings.append(Problem(f"{file.name}: {place}", f"{error}; skipped"))
    warnings += [
        Problem(f"{WAKE_MONITOR}/{entry.asset}: {place}", "no such calculator") for place, entry in schedule.items()
    ]
    return CalculatorConfiguration(tuple(calculations), tuple(warnings))


def _tables(path: Path) -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for file, document in read_tables(path):
        for table, members in document.items():
            if not table.startswith("/") or not segments(table):
                continue
            if not isinstance(members, dict):
                raise ConfigurationError(file, [Problem(table, f"expected an object, got {str(members)[:40]!r}")])
            yield file, table, members


def _schedule(tables: list[tuple[Path, str, dict[str, Any]]]) -> Iterator[tuple[Reference, _Schedule]]:
    for file, table, members in tables:
        if not table.startswith(WAKE_MONITOR + "/"):
            continue
        for text, entry in members.items():
            if not isinstance(entry, dict):
                raise ConfigurationError(file, [Problem(f"{table}: {text}", "expected an object")])
            if entry.get("func") != FUNCTION:
                continue
            try:
                yield Reference.parse(text), _scheduled(segments(table)[-1], entry)
            except ValueError as error:
                raise ConfigurationError(file, [Problem(f"{table}: {text}", str(error))]) from None


def _scheduled(asset: str, entry: dict[str, Any]) -> _Schedule:
    enabled, rate = entry.get("enable", True), entry.get("rate", DEFAULT_RATE_S)
    if not isinstance(enabled, bool):
        raise ValueError(f"enable: expected true or false, got {enabled!r}")
    if not _is_number(rate) or rate < 0:
        raise ValueError(f"rate: expected seconds, got {rate!r}")
    return _Schedule(asset, enabled, rate)


def _is_calculator(definition: dict[str, Any]) -> bool:
    return "variable1" in definition and ("operation" in definition or bool(definition.get("useExpr")))


def _calculation(place: Reference, definition: dict[str, Any], scheduled: _Schedule | None) -> Calculation:
    """Check one definition.

    Raises:
        ValueError: it cannot be calculated; the text says why.
    """
    unsupported = [key for key in ("includeCurrVal", "enable") if definition.get(key)]
    if unsupported:
        raise ValueError(f"{', '.join(unsupported)}: not supported yet")
    texts = _operands(definition)
    operation = _operation(definition, len(texts))
    scale = definition.get("scale", 1)
    if not _is_number(scale):
        raise ValueError(f"scale: expected a number, got {scale!r}")
    asset = scheduled.asset if scheduled else segments(place.table)[-1]
    operands = tuple(_operand(text, asset) for text in texts)
    return Calculation(place, operands, operation, scale, scheduled.rate_s if scheduled else DEFAULT_RATE_S)


def _operation(definition: dict[str, Any], operands: int) -> str | Expression:
    if not _uses_expression(definition):
        operation = definition["operation"]
        if not isinstance(operation, str) or operation not in OPERATIONS:
            raise ValueError(f"operation {operation!r} is not one of {' '.join(OPERATIONS)}")
        return operation
    text = definition.get("expression")
    if not isinstance(text, str):
        raise ValueError(f"expression: expected a text, got {text!r}")
    try:
        return Expression.parse(text, operands)
    except ParseError as error:
        raise ValueError(f"expression {_short(text)!r}: {error}") from None


def _uses_expression(definition: dict[str, Any]) -> bool:
    chosen = definition.get("useExpr", False)
    if not isinstance(chosen, bool):
        raise ValueError(f"useExpr: expected true or false, got {chosen!r}")
    return chosen


def _operands(definition: dict[str, Any]) -> list[Any]:
    numbers = sorted(int(found[1]) for key in definition if (found := _OPERAND.fullmatch(key)))
    count = definition.get("numVars")
    if not isinstance(count, int) or isinstance(count, bool):
        raise ValueError(f"numVars: expected a whole number, got {count!r}")
    if numbers != list(range(1, count + 1)):
        listed = ", ".join(f"variable{number}" for number in numbers[:8]) + (", ..." if len(numbers) > 8 else "")
        raise ValueError(f"numVars is {count}, but the variables are {listed}")
    return [definition[f"variable{number}"] for number in numbers]


def _operand(text: Any, asset: str) -> Reference:
    """Resolve an operand; a bare name is a variable of the asset, where the engine's links show it."""
    if not isinstance(text, str) or not text:
        raise ValueError(f"expected a variable's name, got {text!r}")
    if not text.startswith("/"):
        if ":" in text:
            raise ValueError(f"{text}: aggregation is not supported yet")
        return Reference(f"/status/{asset}", text)
    operand = Reference.parse(text)
    if operand.parameter is not None:
        raise ValueError(f"{text}: parameters as operands are not supported yet")
    return operand


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
