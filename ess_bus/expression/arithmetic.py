"""What the operators and functions do with numbers; both ways of evaluating an expression use these.

Numbers are integers, exact, and floats. What could take long is bounded before it is computed: no text makes Python
work for long.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import Final

Number = int | float
MOST: Final = sys.float_info.max
_BITS: Final = 64
_TOO_LARGE: Final = "the result is too large"


class Unsound(ArithmeticError):
    """There is no right result; the text says why, and holds no number: it stays the same while the numbers change."""


def finite(value: Number) -> Number:
    """Return a number that is one; the TypeError for what is none is the caller's."""
    # 0 for all but infinity and NaN.
    if value - value:
        raise Unsound(_TOO_LARGE)
    return value


def bounded(value: Number) -> Number:
    """Return a number that a float can hold: integers on the way to it may be larger."""
    if -MOST <= value <= MOST:
        return value
    raise Unsound(_TOO_LARGE)


def remainder(value: Number, divisor: Number) -> Number:
    """Return the remainder with the sign of `value`, as C's fmod does (engine.md 1.3)."""
    finite(value)
    finite(divisor)
    if isinstance(value, int) and isinstance(divisor, int):
        size = abs(value) % abs(divisor)
        return -size if value < 0 else size
    if divisor == 0:
        raise ZeroDivisionError
    return math.fmod(value, divisor)


def power(base: Number, exponent: Number) -> Number:
    """Return ``base ** exponent``, exact for integers."""
    finite(base)
    finite(exponent)
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        # The size is known before: 9 ** 9 ** 9 would keep Python busy for minutes.
        if abs(base) > 1 and (abs(base).bit_length() - 1) * exponent > sys.float_info.max_exp:
            raise Unsound(_TOO_LARGE)
        return int(base**exponent)
    if base < 0 and exponent != int(exponent):
        raise Unsound("a broken power of a negative number")
    return float(float(base) ** float(exponent))


def root(value: Number) -> Number:
    """Return the square root."""
    if finite(value) < 0:
        raise Unsound("the square root of a negative number")
    return math.sqrt(value)


def largest(*values: Number) -> Number:
    """Return the largest."""
    return +max(finite(value) for value in values)


def smallest(*values: Number) -> Number:
    """Return the smallest."""
    return +min(finite(value) for value in values)


def whole(value: Number) -> int:
    """Return a number as bits.

    Raises:
        Unsound: it is not whole, or has more than 64 bits.
    """
    finite(value)
    if isinstance(value, float) and not value.is_integer():
        raise Unsound("not a whole number")
    bits = int(value)
    if not -(2**_BITS) < bits < 2**_BITS:
        raise Unsound(f"more than {_BITS} bits")
    return bits


def shifted_left(value: Number, count: Number) -> int:
    """Return ``value << count``."""
    return whole(whole(value) << _count(count))


def shifted_right(value: Number, count: Number) -> int:
    """Return ``value >> count``."""
    return whole(value) >> _count(count)


def complement(value: Number) -> int:
    """Return ``~value``."""
    return ~whole(value)


def _count(value: Number) -> int:
    count = whole(value)
    if not 0 <= count < _BITS:
        raise Unsound(f"bits can be shifted by 0 to {_BITS - 1}")
    return count


def _bitwise(function: Callable[[int, int], int]) -> Callable[[Number, Number], Number]:
    return lambda left, right: function(whole(left), whole(right))


BINARY: Final[dict[str, Callable[[Number, Number], Number]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": remainder,
    "**": power,
    "<<": shifted_left,
    ">>": shifted_right,
    "&": _bitwise(operator.and_),
    "^": _bitwise(operator.xor),
    "|": _bitwise(operator.or_),
}
UNARY: Final[dict[str, Callable[[Number], Number]]] = {"-": operator.neg, "+": operator.pos, "~": complement}
FUNCTIONS: Final[dict[str, Callable[..., Number]]] = {"max": largest, "min": smallest, "sqrt": root}
COMPARISONS: Final[dict[str, Callable[[Number, Number], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
