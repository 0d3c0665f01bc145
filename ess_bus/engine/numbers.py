"""Numbers as variables hold them and JSON carries them."""

from __future__ import annotations

import math
from typing import Any, Final, TypeGuard

# Integers beyond it cannot travel as JSON numbers exactly.
_EXACT: Final = 2**53


def number(value: float) -> float | int | None:
    """Return a result of arithmetic as a variable holds it: ``20.0`` as 20, infinity and NaN as not valid."""
    if type(value) is int:
        return value if -_EXACT < value < _EXACT else float(value)
    if not math.isfinite(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value if isinstance(value, float) or abs(value) < _EXACT else float(value)


def is_number(value: Any) -> TypeGuard[int | float]:
    """Tell whether a value is a number; ``true`` is none."""
    # Nearly all values are of these types themselves; the rest of the question takes three times as long.
    kind = type(value)
    return kind is float or kind is int or (isinstance(value, int | float) and kind is not bool)
