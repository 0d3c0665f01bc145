"""`Sets`: what became of the sets that masters' writes turned into; pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Sets:
    """Counts.

    Attributes:
        count: sets that their owners have answered.
        not_taken: those of them that were answered with no.
        unanswered: sets without an answer, or that did not reach their owner.
        seconds: how long the answers took, all together.
        last_s: how long the last one took.
    """

    count: int = 0
    not_taken: int = 0
    unanswered: int = 0
    seconds: float = 0.0
    last_s: float | None = None

    def taken(self, seconds: float) -> None:
        """An owner has taken a set, and said so after a time."""
        self.count += 1
        self.seconds += seconds
        self.last_s = seconds

    def refused(self, seconds: float) -> None:
        """An owner has refused a set."""
        self.taken(seconds)
        self.not_taken += 1
