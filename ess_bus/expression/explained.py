"""Evaluating a tree step by step: what an expression means, and why it has no result if it has none.

This is the definition; `compiled` is the same for values that are all in order, and faster.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ess_bus.expression import arithmetic, tree
from ess_bus.expression.arithmetic import Number, Unsound
from ess_bus.expression.canonical import written
from ess_bus.expression.errors import EvaluationError
from ess_bus.expression.tree import Node

Result = int | float | bool | str
_SHOWN = 40


class Explained:
    """Evaluates the expressions of one text.

    Args:
        text: the text, for the errors.
        values: the operands' values.
    """

    def __init__(self, text: str, values: Sequence[object]) -> None:
        self._text = text
        self._values = values

    def value(self, node: Node) -> Result:
        """Return the value of a node.

        Raises:
            EvaluationError: it has none.
        """
        match node:
            case tree.Literal():
                return node.value
            case tree.Operand():
                return self._operand(node)
            case tree.Unary(operator="not"):
                return not self._truth(node.term)
            case tree.Comparison():
                return self._order(node) if node.is_order else self._equality(node)
            case tree.Logic():
                return self._logic(node)
            case tree.Choice():
                return self.value(node.then if self._truth(node.condition) else node.otherwise)
        return self._computed(node)

    def result(self, node: Node) -> Result:
        """Return the value of the whole expression, which is not beyond all floats either."""
        value = self.value(node)
        return value if isinstance(value, bool | str) else self._apply(node.at, arithmetic.bounded, value)

    def _computed(self, node: tree.Unary | tree.Chain | tree.Power | tree.Call) -> Number:
        if isinstance(node, tree.Chain):
            return self._chain(node)
        numbers = [self._number(term) for term in tree.terms_of(node)]
        match node:
            case tree.Unary():
                function: Callable[..., Number] = arithmetic.UNARY[node.operator]
            case tree.Power():
                function = arithmetic.power
            case tree.Call():
                function = arithmetic.FUNCTIONS[node.function]
        return self._apply(node.at, function, *numbers)

    def _chain(self, node: tree.Chain) -> Number:
        total = self._number(node.first)
        for step in node.steps:
            total = self._apply(step.at, arithmetic.BINARY[step.operator], total, self._number(step.term))
        return total

    def _order(self, node: tree.Comparison) -> bool:
        left = self._number(node.first)
        for step in node.steps:
            right = self._number(step.term)
            if not arithmetic.COMPARISONS[step.operator](left, right):
                return False
            left = right
        return True

    def _equality(self, node: tree.Comparison) -> bool:
        left = self.value(node.first)
        for step in node.steps:
            right = self.value(step.term)
            if self._same(left, right, step.at) is not (step.operator == "=="):
                return False
            left = right
        return True

    def _same(self, left: Result, right: Result, at: int) -> bool:
        if isinstance(left, str) is not isinstance(right, str):
            text, others = (left, right) if isinstance(left, str) else (str(right), left)
            raise self._error(f"the text {_shown(text)} is compared with {_kind(others)}", at)
        return left == right

    def _logic(self, node: tree.Logic) -> bool:
        """One term can decide whatever the others are: ``false and {1}`` is false, also where {1} is not valid."""
        decisive = node.operator == "or"
        failure: EvaluationError | None = None
        for term in node.terms:
            try:
                if self._truth(term) is decisive:
                    return decisive
            except EvaluationError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        return not decisive

    # -- what a value must be --------------------------------------------------------------------------------------

    def _operand(self, node: tree.Operand) -> Result:
        if node.number > len(self._values):
            raise self._error(f"has no value: there are {len(self._values)}", node.at, node.number)
        value = self._values[node.number - 1]
        if value is None:
            raise self._error("is not valid", node.at, node.number)
        if not isinstance(value, bool | int | float | str):
            kind = "a list" if isinstance(value, list) else f"a {type(value).__name__}"
            raise self._error(f"is {kind}, expected a number, true, false or a text", node.at, node.number)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._error("is not a finite number", node.at, node.number)
        return value

    def _number(self, node: Node) -> Number:
        value = self.value(node)
        if isinstance(value, str):
            raise self._wrong(node, value, "a number")
        return value

    def _truth(self, node: Node) -> bool:
        value = self.value(node)
        if isinstance(value, str):
            raise self._wrong(node, value, "true or false")
        return value != 0

    def _apply(self, at: int, function: Callable[..., Number], *numbers: Number) -> Number:
        try:
            result = function(*numbers)
        except ZeroDivisionError:
            raise self._error("division by zero", at) from None
        except OverflowError:
            raise self._error("the result is too large", at) from None
        except Unsound as error:
            raise self._error(str(error), at) from None
        if isinstance(result, float) and not math.isfinite(result):
            raise self._error("the result is too large", at)
        return result

    def _wrong(self, node: Node, value: str, wanted: str) -> EvaluationError:
        if isinstance(node, tree.Operand):
            return self._error(f"is not {wanted}: {_shown(value)}", node.at, node.number)
        return self._error(f"{written(node)[:_SHOWN]} is not {wanted}: {_shown(value)}", node.at)

    def _error(self, fault: str, at: int, operand: int | None = None) -> EvaluationError:
        return EvaluationError(fault, self._text, at + 1, operand)


def _kind(value: Result) -> str:
    return "true or false" if isinstance(value, bool) else "a number"


def _shown(value: str) -> str:
    shown = repr(value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
