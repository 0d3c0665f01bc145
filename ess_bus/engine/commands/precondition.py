"""Whether the ``expression`` over ``variable1`` to ``variableN`` of a variable is true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.inputs import target
from ess_bus.expression import EvaluationError, Expression

# Functions import this.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call

_VARIABLE: Final = re.compile(r"variable([1-9][0-9]{0,3})")


def unmet(call: Call) -> str | None:
    """Return why the condition of a variable is not met, ``None`` if it is or if there is none.

    What cannot be told is not met: an operand that is not valid, or a result that is neither true nor false.

    Raises:
        ValueError: the expression or an operand is wrong.
    """
    if not call.parameter("useExpr", "expression" in call.variable.parameters):
        return None
    expression, values = _expression(call), _operands(call)
    try:
        met = expression.condition(values)
    except EvaluationError as error:
        return f"{expression.text}: {error}"
    shown = ", ".join(f"{{{number}}} = {values[number - 1]}" for number in expression.operands)
    return None if met else f"{expression.text} is false with {shown}"


def _expression(call: Call) -> Expression:
    text, count = call.parameter("expression"), _count(call)
    known = call.variable.memory.get("expression")
    if known is not None and known[0] == (text, count):
        expression: Expression = known[1]
        return expression
    if not isinstance(text, str):
        raise ValueError(f"expression: expected a text, got {str(text)[:40]!r}")
    expression = Expression.parse(text, count)
    call.variable.memory["expression"] = ((text, count), expression)
    return expression


def _operands(call: Call) -> list[Any]:
    values = []
    for number in range(1, _count(call) + 1):
        name = call.parameter(f"variable{number}")
        if not isinstance(name, str):
            raise ValueError(f"variable{number}: expected the text /table:name, got {str(name)[:40]!r}")
        values.append(call.engine.read(target(call, name)))
    return values


def _count(call: Call) -> int:
    """Return how many operands there are: ``numVars``, or what there is of ``variableN``."""
    given = call.parameter("numVars")
    if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
        return min(given, len(call.variable.parameters))
    return sum(_VARIABLE.fullmatch(name) is not None for name in call.variable.parameters)
