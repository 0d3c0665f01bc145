"""When to restart a process that died: at once, then ever later while it keeps dying.

A process that was up is wanted back soon, whatever keeps killing it; one that does not even come up has time.
"""

from __future__ import annotations

FIRST_S = 0.5
LONGEST_S = 30.0
LONGEST_ONCE_UP_S = 1.0
SETTLED_S = 30.0


class Backoff:
    """The delays of one process: 0, 0.5, 1, 2, 4 ... 30 s, and from the beginning once it lived for 30 s.

    If it was up each time, they end at 1 s. It has no clock: every time is an argument, in seconds on any clock that
    does not go back.
    """

    def __init__(self) -> None:
        self._started_at = 0.0
        self._next_s = 0.0

    def started(self, now_s: float) -> None:
        """Take note that the process was started."""
        self._started_at = now_s

    def ended(self, now_s: float, *, was_up: bool) -> float:
        """Take note that the process died, and return how many seconds to wait before it is started again."""
        if now_s - self._started_at >= SETTLED_S:
            self._next_s = 0.0
        delay_s = min(self._next_s, LONGEST_ONCE_UP_S if was_up else LONGEST_S)
        self._next_s = max(2 * delay_s, FIRST_S)
        return delay_s
