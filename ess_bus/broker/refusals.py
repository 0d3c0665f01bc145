"""`Refusals`: a log of who was refused that nobody can flood."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

QUIET_S: Final = 60.0
MAX_REMEMBERED: Final = 1000


class Refusals:
    """Logs each kind of refusal at most once a minute, with how often it happened since; for several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def note(self, kind: str, text: str) -> None:
        """Log `text`, unless a refusal of the same kind was logged just now; then it is counted."""
        with self._lock:
            now = self._clock()
            if now - self._said.get(kind, float("-inf")) < QUIET_S:
                self._unsaid[kind] = self._unsaid.get(kind, 0) + 1
                return
            if len(self._said) >= MAX_REMEMBERED:
                self._said.clear()
                self._unsaid.clear()
            self._said[kind] = now
            more = self._unsaid.pop(kind, 0)
        log.warning("%s%s", text, f" ({more} more like it since the last such line)" if more else "")
