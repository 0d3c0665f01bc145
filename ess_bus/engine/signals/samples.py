"""`Samples`: the last values of a variable and what they are together (engine.md 3.6, MathMovAvg)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

# A ring that a configuration may ask for.
MAX_DEPTH: Final = 10_000


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the samples of a ring are together.

    Attributes:
        spread: the largest less the smallest.
        recent: the average of those that are no older than the window; the newest always counts.
    """

    average: float
    largest: float
    smallest: float
    spread: float
    total: float
    recent: float


class Samples:
    """A ring of samples, and a filter over all that it has seen.

    Args:
        depth: how many samples are kept, 1 to `MAX_DEPTH`.
    """

    def __init__(self, depth: int) -> None:
        if not 1 <= depth <= MAX_DEPTH:
            raise ValueError(f"depth: expected a whole number from 1 to {MAX_DEPTH}, got {depth}")
        self._ring: deque[tuple[float, float]] = deque(maxlen=depth)
        self.filtered: float | None = None

    @property
    def depth(self) -> int | None:
        """How many samples are kept."""
        return self._ring.maxlen

    @property
    def values(self) -> list[float]:
        """The samples, the oldest first."""
        return [value for _, value in self._ring]

    def add(self, value: float, at_s: float, factor: float) -> None:
        """Take a sample. The filter moves by `factor`, above 0 and up to 1, of the way to it; the first one sets it."""
        self._ring.append((at_s, value))
        last = self.filtered
        self.filtered = value if last is None else value * factor - last * (factor - 1)

    def clear(self) -> None:
        """Forget everything."""
        self._ring.clear()
        self.filtered = None

    def statistics(self, since_s: float) -> Statistics:
        """Return what the samples are together; `since_s` begins the window.

        Raises:
            ValueError: there are none.
        """
        values = self.values
        if not values:
            raise ValueError("no samples")
        recent = [value for at_s, value in self._ring if at_s >= since_s] or values[-1:]
        total, largest, smallest = _sum(values), max(values), min(values)
        return Statistics(total / len(values), largest, smallest, largest - smallest, total, _sum(recent) / len(recent))


def _sum(values: list[float]) -> float:
    """Return a sum that does not drift, however long the ring turns; infinity where it is beyond all numbers."""
    try:
        return math.fsum(values)
    except OverflowError:
        return math.inf
