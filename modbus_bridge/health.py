"""Whether a device answers, and when it is asked again; pure, the time is passed in."""

from __future__ import annotations

import random

# A battery that comes back must be seen soon, and one small request every 5 s disturbs nobody: so the pause stays far
# below the half minute that is usual elsewhere, and grows by half only, so that it adds half of an outage at most.
FIRST_PAUSE_S = 0.25
GROWTH = 1.5
LAST_PAUSE_S = 5.0
_JITTER = 0.1


class Health:
    """The state of one unit (or of the connection): up until it fails, then asked again after growing pauses.

    Attributes:
        reason: why it is down, one line; ``None`` while it is up.
        failures: how many requests in a row failed.
        retry_at_s: when it is asked again.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.failures = 0
        self.retry_at_s = 0.0

    @property
    def is_up(self) -> bool:
        """Whether the last request was answered, or none was made yet."""
        return self.reason is None

    def may_try(self, now_s: float) -> bool:
        """Tell whether a request is due."""
        return now_s >= self.retry_at_s

    def failed(self, reason: str, now_s: float) -> bool:
        """Note a failure; return whether it begins an episode."""
        begins = self.is_up
        pause = min(FIRST_PAUSE_S * GROWTH ** min(self.failures, 16), LAST_PAUSE_S)
        self.reason = reason
        self.failures += 1
        self.retry_at_s = now_s + pause * random.uniform(1 - _JITTER, 1)
        return begins

    def answered(self) -> bool:
        """Note an answer; return whether it ends an episode."""
        ends = not self.is_up
        self.reason = None
        self.failures = 0
        self.retry_at_s = 0.0
        return ends
