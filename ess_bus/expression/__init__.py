"""The expression language of calculators and conditions: text in, a function of operand values out.

::

    power = Expression.parse("{1} * {2} / 1000", operands=2)
    power.evaluate([2, 20])                   # 0.04
    ready = Expression.parse("{1} == On-grid and not {2}")
    ready.condition(["On-grid", False])       # True
    power.evaluate([2, None])                 # EvaluationError: {2} is not valid, at column 7

No I/O, no clock, no state: an `Expression` is the same for all threads. Texts may come from anywhere: they are bounded
(`MAX_LENGTH`, `MAX_NODES`, `MAX_NESTING`), and all that they can name is operands and four functions.
"""

from __future__ import annotations

from ess_bus.expression.errors import EvaluationError, ExpressionError, ParseError, UnknownOperand
from ess_bus.expression.explained import Result
from ess_bus.expression.expression import Expression
from ess_bus.expression.parser import MAX_LENGTH, MAX_NESTING, MAX_NODES
from ess_bus.expression.tree import Kind

__all__ = [
    "MAX_LENGTH",
    "MAX_NESTING",
    "MAX_NODES",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Kind",
    "ParseError",
    "Result",
    "UnknownOperand",
]
