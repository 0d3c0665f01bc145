"""`Meanwhile`: what arrives while everything is asked for.

A picture is put together from several answers, and is as old as the first of them. What is published before the last
one has come is newer, and nobody says it again: it has to be taken once more on top of the picture.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

MAX_KEPT: Final = 10_000


class Meanwhile(Generic[Item]):
    """Keeps what is noted between `begin` and `end`; what did not fit is `missed`."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self.missed = 0
        self._most = most
        self._kept: list[Item] | None = None

    def begin(self) -> None:
        """Keep from now on."""
        self._kept, self.missed = [], 0

    def note(self, item: Item) -> None:
        """Keep this, if anything is kept now."""
        if self._kept is None:
            return
        if len(self._kept) < self._most:
            self._kept.append(item)
        else:
            self.missed += 1

    def end(self) -> list[Item]:
        """Return what was kept, in order, and keep nothing any more."""
        kept, self._kept = self._kept or [], None
        return kept
