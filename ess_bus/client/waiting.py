"""What a client says while there is no broker: once that it waits, for which one and what to do, once that it is there.

A process without a broker does nothing, and must not do so without a word.
"""

from __future__ import annotations

import logging
from typing import Final

log = logging.getLogger(__name__)

# Brokers that this process has said it waits for: a program that tries again and again says it once.
_SAID: Final[set[str]] = set()


def waiting_for(endpoint: str) -> str:
    """Return what a screen says from its start until there is a broker."""
    return f"waiting for the broker on {endpoint}; is fims_server running?"


class Waiting:
    """One client's wait for its broker; pure but for the log.

    Args:
        endpoint: where the broker is.
        after_s: how long it may take before something is said; infinite for a client that says it in its own way.
    """

    def __init__(self, endpoint: str, after_s: float) -> None:
        self._endpoint = endpoint
        self._after_s = after_s
        self._since_s: float | None = None
        self._was_there = False

    def look(self, now_s: float, *, is_there: bool) -> float:
        """Say what is new; return when to look again at the latest."""
        if is_there:
            self._since_s, self._was_there = None, True
            if self._endpoint in _SAID:
                _SAID.discard(self._endpoint)
                log.info("the broker on %s is there", self._endpoint)
            return float("inf")
        if self._since_s is None:
            self._since_s = now_s
        due_s = self._since_s + self._after_s
        if now_s < due_s:
            return due_s
        if self._endpoint not in _SAID:
            _SAID.add(self._endpoint)
            what = "is gone" if self._was_there else "does not answer"
            log.warning(
                "the broker on %s %s; waiting for it: start fims_server, or name another bus (--bus, ESS_BUS)",
                self._endpoint,
                what,
            )
        return float("inf")
