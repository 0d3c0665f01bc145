"""`Mistakes`: what is wrong with a configuration, each in the log once: not at every tick nor with every new value."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

log = logging.getLogger(__name__)

# More mistakes of one set would not be read.
_SHOWN: Final = 5
# More are not remembered; then all of them are told once more.
MAX_REMEMBERED: Final = 1000


def few(texts: Sequence[str]) -> str:
    """Return the first of some texts in one, and how many more there are."""
    more = [f"{len(texts) - _SHOWN} more"] if texts[_SHOWN:] else []
    return "; ".join([*texts[:_SHOWN], *more])


class Mistakes:
    """Remembers which mistakes were told, by a key of each."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._failures: dict[str, None] | None = None

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

    def fail(self, mistake: str, text: str) -> None:
        """As `warn`, of something that was asked for and is not done: who has asked is told each time."""
        self.failed(text)
        self.warn(mistake, text)

    def failed(self, text: str) -> None:
        """Tell who has asked of a failure that is in the log already."""
        if self._failures is not None:
            self._failures[text] = None

    @contextmanager
    def failures(self) -> Iterator[dict[str, None]]:
        """Gather, in their order, what fails until this is left."""
        before, self._failures = self._failures, {}
        try:
            yield self._failures
        finally:
            self._failures = before
