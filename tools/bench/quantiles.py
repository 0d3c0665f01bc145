"""Medians and percentiles. No I/O."""

from __future__ import annotations

import math
from collections.abc import Sequence


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle.

    Raises:
        ValueError: there is none.
    """
    if not values:
        raise ValueError("no values; expected at least one")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the smallest value that `percent` % of the values do not exceed (nearest rank).

    Args:
        ordered: the values in ascending order.
        percent: more than 0, at most 100.

    Raises:
        ValueError: there are no values, or there is no such percentile.
    """
    if not ordered:
        raise ValueError("no values; expected at least one")
    if not 0 < percent <= 100:
        raise ValueError(f"percentile {percent}; expected more than 0, at most 100")
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1]
