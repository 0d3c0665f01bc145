"""How regular something is that should come in a fixed period. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tools.bench.quantiles import percentile


def lateness(moments: Sequence[float], period: float) -> list[float]:
    """Return for each moment how much later it came than its place on a grid whose earliest one was in time.

    Args:
        moments: when it came, in ascending order; some may be missing.
        period: the distance of the grid's lines, in the same unit.
    """
    if not moments:
        return []
    # Against the first one, then against the one that was earliest.
    offsets = [moment - moments[0] - round((moment - moments[0]) / period) * period for moment in moments]
    earliest = min(offsets)
    return [offset - earliest for offset in offsets]


def off_period(moments: Sequence[float], period: float, watched: float) -> tuple[float, float]:
    """Return by how much the mean and the 99th percentile of the distances differ from the period, as a part of it.

    Args:
        moments: when it came, in ascending order.
        period: when it should come again, in the same unit.
        watched: for how long it was watched. What came less than twice counts as having come that late.
    """
    distances = sorted(after - before for before, after in pairwise(moments)) or [watched]
    mean = sum(distances) / len(distances)
    return abs(mean - period) / period, abs(percentile(distances, 99) - period) / period
