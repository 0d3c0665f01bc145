"""Whether the ``expression`` over ``variable1`` to ``variableN`` of a variable is true."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ess_bus.engine.monitors.settings import numbered, operand
from ess_bus.expression import EvaluationError, Expression

# Functions import this.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call


def unmet(call: Call) -> str | None:
    """Return why the condition of a variable is not met, ``None`` if it is or if there is none.

    What cannot be told is not met: an operand that is not valid, or a result that is neither true nor false.

    Raises:
        ValueError: the expression or an operand is wrong.
    """
    text = call.parameter("expression")
    if not call.parameter("useExpr", text is not None):
        return None
    if not isinstance(text, str):
        raise ValueError(f"expression: expected a text, got {str(text)[:40]!r}")
    values = [_value(call, *one) for one in enumerate(numbered(call, "numVars", "variable"), 1)]
    expression = _parsed(text, len(values))
    try:
        met = expression.condition(values)
    except EvaluationError as error:
        return f"{text}: {error}"
    shown = ", ".join(f"{{{number}}} = {values[number - 1]}" for number in expression.operands)
    return None if met else f"{text} is false with {shown}"


def _value(call: Call, number: int, name: Any) -> Any:
    try:
        return operand(call, name)
    except ValueError as error:
        raise ValueError(f"variable{number}: {error}") from None


@lru_cache(maxsize=1024)
def _parsed(text: str, operands: int) -> Expression:
    return Expression.parse(text, operands)
