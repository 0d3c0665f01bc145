"""Whether this process was stopped for a while; pure, the time is passed in.

What lay in its socket meanwhile looks as if it had just come. A command that somebody gave up long ago must not reach
a contactor because a machine has woken up.
"""

from __future__ import annotations

from typing import Final

BEAT_S: Final = 0.5
# Longer than any step of the event loop takes.
_STANDSTILL_S: Final = 2.0
# For so long after it, messages of the time before may still be taken from the socket.
_AFTERMATH_S: Final = 0.25


class Standstill:
    """Is told the time every `BEAT_S`, and so notices when it was not."""

    def __init__(self, now_s: float) -> None:
        self._last_s = now_s
        self._began_s = now_s
        self._over_s = float("-inf")

    def beat(self, now_s: float) -> float:
        """Note that the process runs; return for how long it did not, 0 if nothing was wrong."""
        stood_s = now_s - self._last_s
        if stood_s > _STANDSTILL_S:
            self._began_s, self._over_s = self._last_s, now_s
        self._last_s = now_s
        return stood_s if stood_s > _STANDSTILL_S else 0.0

    def age_s(self, now_s: float) -> float:
        """Return how old a message may be that is taken from the socket now."""
        if now_s - self._last_s > _STANDSTILL_S:  # the beat has not had its turn yet
            return now_s - self._last_s
        return now_s - self._began_s if now_s - self._over_s < _AFTERMATH_S else 0.0
