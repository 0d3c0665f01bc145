"""`Outcomes`: what has become of commands that come again and again: one line for each change, not for each; pure."""

from __future__ import annotations

from typing import Final

# Commands on more URIs than this are told of without being remembered.
MAX_REMEMBERED: Final = 1000
# What fails in more ways than this, one after the other, is only counted: a reason may name the value.
MAX_REASONS: Final = 100


class Outcomes:
    """Remembers which commands fail, and counts.

    A device that refuses everything for ever would be told of with every attempt; one that answers now this and now
    that, with every change between the two.
    """

    def __init__(self) -> None:
        # Command -> the reasons that were told, and how often it has failed.
        self._failing: dict[str, tuple[set[str], int]] = {}

    def failed(self, command: str, reason: str) -> str | None:
        """Note a failure; return what is to be told of it, ``None`` if it was told already."""
        told, count = self._failing.get(command, (set(), 0))
        if command in self._failing or len(self._failing) < MAX_REMEMBERED:
            self._failing[command] = (told, count + 1)
        if reason in told or len(told) >= MAX_REASONS:
            return None
        told.add(reason)
        return f"{command}: {reason}"

    def succeeded(self, command: str) -> str | None:
        """Note a success; return what is to be told of it, ``None`` where it has not failed before."""
        _, count = self._failing.pop(command, (set(), 0))
        return f"{command}: carried out again, after {count} that failed" if count else None
