"""How a duration is spread: bounded memory, whatever is counted for however long; pure."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final

# From 1 us to 100 s in steps of 10 %: a quantile is at most that much too large, never too small.
_STEP: Final = 1.1
_BOUNDS: Final = tuple(1e-6 * _STEP**power for power in range(194))


class Spread:
    """Counts, extremes and quantiles of durations in seconds.

    Attributes:
        count: how many were recorded.
        min_s: the shortest; 0 before the first.
        max_s: the longest.
        total_s: all together.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.count = 0
        self.min_s = 0.0
        self.max_s = 0.0
        self.total_s = 0.0
        self._counts = [0] * (len(_BOUNDS) + 1)

    def record(self, duration_s: float) -> None:
        """Count one; a negative one counts as none at all."""
        duration_s = max(0.0, duration_s)
        if duration_s < self.min_s or not self.count:
            self.min_s = duration_s
        if duration_s > self.max_s:
            self.max_s = duration_s
        self.count += 1
        self.total_s += duration_s
        self._counts[bisect_left(_BOUNDS, duration_s)] += 1

    def quantile(self, share: float) -> float:
        """Return what at least `share` of the durations do not exceed; 0 if there are none."""
        wanted = share * self.count
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return min(_BOUNDS[index] if index < len(_BOUNDS) else self.max_s, self.max_s)
        return 0.0

    def extremes_ms(self) -> dict[str, Any]:
        """Return Max, Min, Avg and Count in milliseconds, as gen-3 names them (modbus.md 3.2)."""
        average = self.total_s / self.count if self.count else 0.0
        return {"Max": _ms(self.max_s), "Min": _ms(self.min_s), "Avg": _ms(average), "Count": self.count}

    def quantiles_ms(self) -> dict[str, Any]:
        """Return p50, p99, max and the count in milliseconds."""
        p50, p99 = _ms(self.quantile(0.5)), _ms(self.quantile(0.99))
        return {"p50": p50, "p99": p99, "max": _ms(self.max_s), "count": self.count}


def _ms(duration_s: float) -> float:
    return round(1000 * duration_s, 4)
