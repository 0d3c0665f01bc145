"""Whether a device answers, and when it is asked again; pure, the time is passed in."""

from __future__ import annotations

import random
from typing import Final

# A battery that comes back must be seen soon, and one small request every 5 s disturbs nobody. Later a pause may last a
# tenth of the outage so far, so that it adds no more than that; who was dead for five minutes is asked every 30 s.
FIRST_PAUSE_S: Final = 0.25
GROWTH: Final = 1.5
SHORT_OUTAGE_PAUSE_S: Final = 5.0
SHARE_OF_OUTAGE: Final = 0.1
LAST_PAUSE_S: Final = 30.0
_JITTER: Final = 0.1


class Health:
    """The state of one unit (or of the connection): up until it fails, then asked again after growing pauses.

    Attributes:
        reason: why it is down, one line; ``None`` while it is up.
        failures: how many requests in a row failed.
        since_s: when it went down.
        retry_at_s: when it is asked again; 0 while it is up.
    """

    def __init__(self) -> None:
        self.reason: str | None = None
        self.failures = 0
        self.since_s = 0.0
        self.retry_at_s = 0.0

    @property
    def is_up(self) -> bool:
        """Whether the last request was answered, or none was made yet."""
        return self.reason is None

    def may_try(self, now_s: float) -> bool:
        """Tell whether a request is due."""
        return now_s >= self.retry_at_s

    def failed(self, reason: str, now_s: float, least_pause_s: float = 0.0) -> bool:
        """Note a failure; return whether it begins an episode."""
        begins = self.is_up
        if begins:
            self.since_s = now_s
        limit = min(max(SHORT_OUTAGE_PAUSE_S, SHARE_OF_OUTAGE * (now_s - self.since_s)), LAST_PAUSE_S)
        pause = min(FIRST_PAUSE_S * GROWTH ** min(self.failures, 16), limit) * random.uniform(1 - _JITTER, 1)
        self.reason = reason
        self.failures += 1
        self.retry_at_s = now_s + max(pause, least_pause_s)
        return begins

    def answered(self) -> bool:
        """Note an answer; return whether it ends an episode."""
        if self.reason is None:
            return False
        self.reason = None
        self.failures = 0
        self.retry_at_s = 0.0
        return True

    def hasten(self, now_s: float) -> None:
        """Ask again now: something else has come back that went down with it."""
        self.retry_at_s = min(self.retry_at_s, now_s)
