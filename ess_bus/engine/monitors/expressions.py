"""The check of CheckMonitorVar_v2: conditions are expressions of the variable and others (engine.md 1.4, 3.7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ess_bus.engine.monitors.finding import Finding, Names, written
from ess_bus.engine.monitors.settings import numbered, operand, seconds
from ess_bus.engine.monitors.trip import Delays, Judgement
from ess_bus.expression import EvaluationError, Expression, ExpressionError

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call

_PLACEHOLDER: Final = re.compile(r"\{(\d{1,4})\}")
_NAMES: Final = Names("alarmTime", "faultTime", "resetTime", "seenAlarm", "seenFault", "seenReset")
_TIMEOUTS: Final = ("alarmTimeout", "faultTimeout", "resetTimeout")
_KEYS: Final = ("alarmCondition", "faultCondition", "resetCondition")


class _Operands(NamedTuple):
    names: tuple[str, ...]
    values: tuple[Any, ...]


def expressions(call: Call) -> Finding:
    """Return what the conditions say of the variable of a call.

    Raises:
        ValueError: one of them is not an expression, or an operand is missing.
    """
    operands = _operands(call)
    texts = [_text(call, key) for key in _KEYS]
    if not call.parameter("enableFault", True):
        texts[1] = None
    if texts[0] is None and texts[1] is None:
        raise ValueError("alarmCondition is missing, nothing is checked")
    alarm, fault, reset = (_holds(call, text, operands.values) for text in texts)
    if texts[2] is None:
        reset = alarm is False and fault is False
    patience = Delays(*(seconds(name, call.parameter(name, 0)) for name in _TIMEOUTS))

    def describe(judgement: Judgement, severity: str) -> str:
        text = texts[0] if severity == "alarm" else texts[1]
        return f"{severity} condition {_filled(text or '', operands.names, judgement.shown)}"

    judgement = Judgement(alarm, fault, bool(reset), operands.values)
    return Finding("condition", _NAMES, judgement, patience, patience, describe, texts[1] is not None)


def _operands(call: Call) -> _Operands:
    names = [str(name) for name in numbered(call, "numVars", "variable")]
    values = [operand(call, name) for name in names]
    if call.parameter("includeCurrVal", True):
        names, values = [str(call.place), *names], [call.variable.value, *values]
    return _Operands(tuple(names), tuple(values))


def _text(call: Call, key: str) -> str | None:
    text = call.parameter(key)
    if text is None or isinstance(text, str):
        return text or None
    raise ValueError(f"{key}: expected an expression, got {str(text)[:40]!r}")


def _holds(call: Call, text: str | None, values: Sequence[Any]) -> bool | None:
    """Tell whether a condition holds, ``None`` if that is not known; one that is not there does not."""
    if text is None:
        return False
    try:
        return _parsed(text, len(values)).condition(values)
    except EvaluationError as error:
        if None not in values:
            call.engine.fail(f"{call.place} {text}", f"{call.place}: {error}")
        return None
    except ExpressionError as error:
        raise ValueError(str(error)) from None


@lru_cache(maxsize=1024)
def _parsed(text: str, operands: int) -> Expression:
    return Expression.parse(text, operands)


def _filled(text: str, names: Sequence[str], values: Sequence[Any]) -> str:
    """Return an expression with its operands as ``[uri:value]``, as the original shows them."""

    def shown(placeholder: re.Match[str]) -> str:
        number = int(placeholder[1])
        if not 1 <= number <= len(names):
            return placeholder[0]
        return f"[{names[number - 1]}:{written(values[number - 1])}]"

    return _PLACEHOLDER.sub(shown, text)
