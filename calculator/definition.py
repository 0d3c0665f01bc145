"""From a variable's definition to a `Calculation`: its keys, checked one by one (engine.md 1.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from calculator.calculation import DEFAULT_RATE_S, OWN, Calculation, Input, Switch
from calculator.operands import Tree, places
from calculator.operations import OPERATIONS, Operation
from ess_bus.expression import Expression, ParseError, UnknownOperand
from ess_bus.reference import Reference

_OPERAND: Final = re.compile(r"variable([1-9][0-9]{0,4})")
# A template has something of these in its names and texts that is put in later.
PLACEHOLDER: Final = re.compile(r"@@\w{1,40}@@|##\w{1,40}##")
# Variables with an expression of their own that is no calculator's (engine.md 4.3).
_OF_COMMANDS: Final = frozenset(
    {"triggerCmd", "cmdVar", "maxCmdTries", "lastCmdVal", "sendCmdTimeout", "checkCmdTimeout"}
)
_KEYS: Final = frozenset({"numVars", "operation", "useExpr", "expression", "scale", "includeCurrVal"})


class _Senseless(ValueError):
    """An expression that says nothing, whatever its operands are."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What ``/schedule/wake_monitor/<asset>`` says of one variable.

    Attributes:
        table: which of them.
        asset: whose it is: bare names of operands are this asset's.
        enable: whether the variable is calculated.
        rate_s: how often at most.
    """

    table: str
    asset: str
    enable: Switch = True
    rate_s: float = DEFAULT_RATE_S


def is_calculator(definition: Mapping[str, Any]) -> bool:
    """Tell whether a definition is a calculator's."""
    if "numVars" not in definition and "variable1" not in definition:
        return False
    if not _OF_COMMANDS.isdisjoint(definition):
        return False
    return "operation" in definition or bool(definition.get("useExpr"))


def defines(parameter: str) -> bool:
    """Tell whether a parameter says what is calculated."""
    return parameter in _KEYS or _OPERAND.fullmatch(parameter) is not None


def calculation(
    place: Reference, definition: Mapping[str, Any], asset: str, schedule: Schedule | None, tree: Tree
) -> Calculation:
    """Return the calculation of a definition; one that cannot be carried out says why in `Calculation.problem`.

    Args:
        place: the variable.
        definition: as configured.
        asset: whose variable it is, where no schedule names it.
        schedule: what a wake list says of it.
        tree: the assets.
    """
    listed = schedule.table if schedule else ""
    rate_s = schedule.rate_s if schedule else DEFAULT_RATE_S
    try:
        switches = _switches(place, definition, schedule)
        inputs = _inputs(place, definition, schedule.asset if schedule else asset, tree)
        operation = _operation(definition, inputs)
        scale = definition.get("scale", 1)
        if not _is_number(scale):
            raise ValueError(f"scale: expected a number, got {str(scale)[:40]!r}")
    except ValueError as error:
        is_senseless = isinstance(error, _Senseless)
        return Calculation(place, rate_s=rate_s, listed=listed, problem=str(error), is_senseless=is_senseless)
    if isinstance(operation, Operation) and operation.of_itself and not any(one.name == OWN for one in inputs):
        inputs = (*inputs, Input(OWN, place))
    return Calculation(place, inputs, operation, scale, rate_s, listed, switches)


def switch(value: object, key: str) -> Switch:
    """Return a switch: a bool (also 0 or 1), or where one is.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, str):
        try:
            return Reference.parse(value)
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from None
    if value not in (0, 1):
        raise ValueError(f"{key}: expected true, false or a variable, got {str(value)[:40]!r}")
    return bool(value)


def _switches(place: Reference, definition: Mapping[str, Any], schedule: Schedule | None) -> tuple[Switch, ...]:
    """Return what must be on; ``enable`` has the last word over ``enabled`` (engine.md 1.1)."""
    found: list[Switch] = [] if schedule is None or schedule.enable is True else [schedule.enable]
    enable = definition.get("enable")
    if isinstance(enable, str):
        found.append(switch(enable, "enable"))
    else:
        # Where a bool is, it is looked at each time: actions and people switch calculators on and off.
        key = "enabled" if enable is None else "enable"
        if key in definition:
            switch(definition[key], key)
        found.append(place._replace(parameter=key))
    return tuple(found)


def _inputs(place: Reference, definition: Mapping[str, Any], asset: str, tree: Tree) -> tuple[Input, ...]:
    own = definition.get("includeCurrVal", False)
    if own not in (0, 1):
        raise ValueError(f"includeCurrVal: expected true or false, got {str(own)[:40]!r}")
    found = [Input(OWN, place)] if own else []
    for number, text in enumerate(_operands(definition), 1):
        name = f"variable{number}"
        try:
            found += [Input(OWN if one == place else name, one) for one in places(text, asset, tree)]
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return tuple(found)


def _operands(definition: Mapping[str, Any]) -> list[Any]:
    numbers = sorted(int(found[1]) for key in definition if (found := _OPERAND.fullmatch(key)))
    count = definition.get("numVars")
    if not isinstance(count, int) or isinstance(count, bool):
        raise ValueError(f"numVars: expected a whole number, got {str(count)[:40]!r}")
    # Not compared with a list of so many: the count may come from anywhere.
    if len(numbers) != count or (numbers and numbers[-1] != count):
        listed = ", ".join(f"variable{number}" for number in numbers[:8]) + (", ..." if len(numbers) > 8 else "")
        raise ValueError(f"numVars is {count}, but the variables are {listed or 'none'}")
    return [definition[f"variable{number}"] for number in numbers]


def _operation(definition: Mapping[str, Any], inputs: tuple[Input, ...]) -> Operation | Expression:
    chosen = definition.get("useExpr", False)
    if chosen not in (0, 1):
        raise ValueError(f"useExpr: expected true or false, got {str(chosen)[:40]!r}")
    if chosen:
        return _expression(definition.get("expression"), len(inputs))
    name = definition.get("operation")
    if not isinstance(name, str) or name not in OPERATIONS:
        raise ValueError(f"operation {str(name)[:40]!r} is not one of {' '.join(OPERATIONS)}")
    operation, count = OPERATIONS[name], len(inputs)
    if count < operation.least or (operation.most is not None and count > operation.most):
        wanted = f"{'' if operation.most else 'at least '}{operation.least}"
        raise ValueError(f"operation {name} takes {wanted} operands, not {count}")
    return operation


def _expression(text: object, operands: int) -> Expression:
    if not isinstance(text, str):
        raise ValueError(f"expression: expected a text, got {str(text)[:40]!r}")
    try:
        return _parsed(text, operands)
    except ParseError as error:
        shown = text if len(text) <= 120 else text[:117] + "..."
        # An operand that there is not leaves the value alone in the original, all else of it is 0.
        kind = ValueError if isinstance(error, UnknownOperand) else _Senseless
        raise kind(f"expression {shown!r}: {error}") from None


# The same definitions are read again and again while a site is being set up.
@lru_cache(maxsize=4096)
def _parsed(text: str, operands: int) -> Expression:
    return Expression.parse(text, operands)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
