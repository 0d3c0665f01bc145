"""Saying something that may happen very often only now and then; pure."""

from __future__ import annotations


class Seldom:
    """Tells when to say it: at once, and then after `period_s` again."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._said_s: float | None = None
        self._kept = 0

    def due(self, now_s: float) -> int | None:
        """Return how often it was not said since the last time; ``None`` if it is not to be said now either."""
        if self._said_s is not None and now_s < self._said_s + self._period_s:
            self._kept += 1
            return None
        kept, self._kept, self._said_s = self._kept, 0, now_s
        return kept
