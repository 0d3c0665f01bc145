"""When a component is polled next; pure, the time is passed in."""

from __future__ import annotations

import math


class Schedule:
    """Deadlines every `period_s` from a fixed start: a late tick is skipped and counted, never caught up.

    Attributes:
        next_s: the next deadline, on the clock that `start_s` was read from.
        skipped: how many ticks were missed so far.
    """

    def __init__(self, period_s: float, start_s: float) -> None:
        self.next_s = start_s
        self.skipped = 0
        self._period_s = period_s

    def advance(self, now_s: float) -> None:
        """Go to the first deadline after `now_s`; the one that is being served is not counted as skipped."""
        ticks = max(1, math.floor((now_s - self.next_s) / self._period_s) + 1)
        self.skipped += ticks - 1
        self.next_s += ticks * self._period_s
