"""`Grid`: points in time at equal distances. They do not drift, and nothing is made up for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

# Nothing may keep the engine busy with itself.
MIN_PERIOD_S: Final = 0.001
# Points this close to each other, in parts of a period, are the same one: sums of 0.1 are not exact.
_SAME: Final = 1e-6


@dataclass(slots=True)
class Grid:
    """The points ``anchor_s + index * period_s``.

    Attributes:
        anchor_s: one of them.
        period_s: their distance.
        index: which of them is next.
    """

    anchor_s: float
    period_s: float
    index: int = 0

    @property
    def next_s(self) -> float:
        """When the next point is."""
        return self.anchor_s + self.index * self.period_s

    @property
    def last_s(self) -> float:
        """When the point before the next one was."""
        return self.next_s - self.period_s

    def seek(self, now_s: float) -> None:
        """Go on to the first point that is not over, if the next one is."""
        self.index = max(self.index, math.ceil(self._passed(now_s) - _SAME))

    def step(self, now_s: float) -> int:
        """Go on from a point that has come to the first one after now; return how many are left out between them."""
        following = self.index + 1
        self.index = max(following, math.floor(self._passed(now_s) + _SAME) + 1)
        return self.index - following

    def _passed(self, now_s: float) -> float:
        return (now_s - self.anchor_s) / self.period_s
