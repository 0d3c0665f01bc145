"""`Mistakes`: what is wrong with a configuration, each in the log once: not at every tick nor with every new value."""

from __future__ import annotations

import logging
from typing import Final

log = logging.getLogger(__name__)

# More are not remembered; then all of them are told once more.
MAX_REMEMBERED: Final = 1000


class Mistakes:
    """Remembers which mistakes were told, by a key of each."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def is_new(self, mistake: str) -> bool:
        """Tell whether a mistake was not told yet."""
        return mistake not in self._told

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake, unless it was told already."""
        if self.is_new(mistake):
            if len(self._told) >= MAX_REMEMBERED:
                self._told.clear()
            self._told.add(mistake)
            log.warning("%s", text)
