"""The operations: operand values in, one result out (ess_calculator.md; engine.md 1.3)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Final

Number = int | float


class NotValid(Exception):
    """There is no right result; the text says why."""


def calculate(operation: str, operands: Sequence[object], scale: Number = 1) -> Number:
    """Return the result of an operation on its operands, divided by `scale` if that is above 0.

    Args:
        operation: a name in `OPERATIONS`.
        operands: in the order of ``variable1..N``; bools count as 1 and 0.
        scale: 0 and negative scales leave the result as it is (engine.md 1.1).

    Raises:
        NotValid: an operand is not a number, a divisor is 0, or the result is beyond all numbers.
    """
    numbers = [_number(operand, position) for position, operand in enumerate(operands, 1)]
    try:
        result = OPERATIONS[operation](numbers)
        # A float in any case: a product of integers may be longer than a message can carry.
        scaled = result / scale if scale > 0 else float(result)
        finite = math.isfinite(scaled)
    except ZeroDivisionError:
        raise NotValid("division by zero") from None
    except OverflowError:
        raise NotValid("the result is too large") from None
    if not finite:
        raise NotValid("the result is too large")
    return scaled


def _number(operand: object, position: int) -> Number:
    if operand is None:
        raise NotValid(f"variable{position} is not valid")
    if isinstance(operand, bool):
        return int(operand)
    if not isinstance(operand, int | float):
        raise NotValid(f"variable{position} is not a number: {str(operand)[:40]!r}")
    return operand


def _average(numbers: Sequence[Number]) -> Number:
    return math.fsum(numbers) / len(numbers)


def _fold(function: Callable[[Number, Number], Number]) -> Callable[[Sequence[Number]], Number]:
    return lambda numbers: reduce(function, numbers)


OPERATIONS: Final[dict[str, Callable[[Sequence[Number]], Number]]] = {
    "+": math.fsum,
    "-": _fold(operator.sub),
    "*": _fold(operator.mul),
    "/": _fold(operator.truediv),
    "avg": _average,
}
