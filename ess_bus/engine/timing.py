"""`Timed`: what happens by itself at its own times. Who runs an engine asks when, and lets it happen then."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, Protocol

NEVER: Final = math.inf
# What is due within this time is due: sums of periods are not exact.
SLACK_S: Final = 1e-7


class Timed(Protocol):
    """A part of an engine that has something to do at certain times.

    Times are those of the engine's steady clock, in seconds; it stands still only if nobody advances it, and setting
    the wall clock does not move it.
    """

    def due_s(self) -> float:
        """Return when it wants to run next; `NEVER` while nothing is planned."""

    def run(self) -> None:
        """Do what is due now; called once a turn at most, late rather than twice."""


def earliest(timed: Iterable[Timed]) -> float:
    """Return when the first of these wants to run."""
    return min([one.due_s() for one in timed], default=NEVER)
