"""The operations: operand values in, one result out (ess_calculator.md; engine.md 1.3)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Final

from ess_bus.expression.arithmetic import Unsound, remainder, root

Number = int | float
Numbers = Sequence[Number]


class NotValid(Exception):
    """There is no right result.

    Attributes:
        reason: why, for people.
        operand: the place of the operand that it is about, from 0; the reason then follows its name.
        computed: whether all operands were valid: the original writes a 0 then.
    """

    def __init__(self, reason: str, operand: int | None = None, *, computed: bool = True) -> None:
        super().__init__(reason)
        self.reason, self.operand, self.computed = reason, operand, computed


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: as it is configured.
        summary: what it gives, in a line.
        compute: the operands' values -> the result.
        scaled: whether the result is divided by ``scale``.
        least: how many operands it needs.
        most: how many it takes; ``None``: any number.
        of_itself: it works on the result's own value, and the operands do not count.
        of_changes: it works on whether its operands have changed; only a true result is written.
    """

    name: str
    summary: str
    compute: Callable[[Numbers], Number | bool]
    scaled: bool = True
    least: int = 1
    most: int | None = None
    of_itself: bool = False
    of_changes: bool = False


def calculate(operation: str, operands: Sequence[object], scale: Number = 1) -> Number | bool:
    """Return the result of an operation on its operands, divided by `scale` where the operation says so.

    Args:
        operation: a name in `OPERATIONS`.
        operands: in the order of ``variable1..N``; bools count as 1 and 0, ``None`` is not valid.
        scale: 0 and negative scales leave the result as it is (engine.md 1.1).

    Raises:
        NotValid: an operand is not valid or not a number, a divisor is 0, or the result is beyond all numbers.
    """
    chosen = OPERATIONS[operation]
    if chosen.name in _LOGIC:
        return _decide(operands, decisive=chosen.name == "or")
    numbers = [_number(operand, position) for position, operand in enumerate(operands)]
    try:
        result = chosen.compute(numbers)
        if isinstance(result, bool):
            return result
        # A float in any case: a product of integers may be longer than a message can carry.
        result = result / scale if chosen.scaled and scale > 0 else float(result)
        finite = math.isfinite(result)
    except ZeroDivisionError:
        raise NotValid("division by zero") from None
    except OverflowError:
        raise NotValid("the result is too large") from None
    except Unsound as error:
        raise NotValid(str(error)) from None
    if not finite:
        raise NotValid("the result is too large")
    return result


def _number(operand: object, position: int) -> Number:
    if operand is None:
        raise NotValid("is not valid", position, computed=False)
    if not isinstance(operand, bool | int | float):
        raise NotValid(f"is not a number: {str(operand)[:40]!r}", position)
    if not math.isfinite(operand):
        raise NotValid("is not a finite number", position)
    return operand


def _decide(operands: Sequence[object], *, decisive: bool) -> bool:
    """Return ``and`` or ``or`` of what is exactly 1; one operand can decide where others are not valid."""
    unknown: NotValid | None = None
    for position, operand in enumerate(operands):
        try:
            if (_number(operand, position) == 1) is decisive:
                return decisive
        except NotValid as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown
    return not decisive


def _average(numbers: Numbers) -> Number:
    return math.fsum(numbers) / len(numbers)


def _deviation(numbers: Numbers) -> Number:
    mean = _average(numbers)
    return math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))


def _less_percentages(numbers: Numbers) -> Number:
    whole, *shares = numbers
    return whole - whole * min(math.fsum(shares), 1)


def _itself(numbers: Numbers) -> Number:
    return numbers[-1]


def _fold(function: Callable[[Number, Number], Number]) -> Callable[[Numbers], Number]:
    return lambda numbers: reduce(function, numbers)


_LOGIC: Final = frozenset({"and", "or"})
_ALL: Final = (
    Operation("+", "the sum", math.fsum),
    Operation("-", "the first less all others", _fold(operator.sub)),
    Operation("*", "the product", _fold(operator.mul)),
    Operation("/", "the first divided by all others, one after the other", _fold(operator.truediv)),
    Operation("%", "the remainder, with the sign of the first", _fold(remainder)),
    Operation("avg", "the mean", _average),
    Operation("min", "the smallest", min),
    Operation("max", "the largest", max),
    Operation("pctOf", "the first less the shares of it that the others are, all of it at most", _less_percentages),
    Operation(
        "sqrt",
        "the square root of its own value",
        lambda numbers: root(_itself(numbers)),
        least=0,
        of_itself=True,
    ),
    Operation("scale", "its own value, divided by `scale`", _itself, least=0, of_itself=True),
    Operation("stddev", "the standard deviation of all (population)", _deviation, scaled=False),
    Operation("and", "true if all are 1", all, scaled=False, least=0),
    Operation("or", "true if one of them is 1", any, scaled=False, least=0),
    Operation(">", "whether the first is greater", lambda pair: pair[0] > pair[1], scaled=False, least=2, most=2),
    Operation("<", "whether the first is smaller", lambda pair: pair[0] < pair[1], scaled=False, least=2, most=2),
    Operation("valChangedAny", "true once one has changed", any, scaled=False, of_changes=True),
    Operation("valChangedAll", "true once each has changed", all, scaled=False, of_changes=True),
)
OPERATIONS: Final = {operation.name: operation for operation in _ALL}
