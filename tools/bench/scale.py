"""`Scale`: how much of everything a run does. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# What a quick run leaves out: enough to see that everything works, not enough to believe its figures.
_QUICK: Final = 20


@dataclass(frozen=True, slots=True)
class Scale:
    """The amounts of a full run, or a twentieth of them.

    Attributes:
        quick: whether this is a quick run.
    """

    quick: bool = False

    def count(self, full: int) -> int:
        """Return how many messages to send where a full run sends `full`."""
        return max(100, full // _QUICK) if self.quick else full

    def seconds(self, full: float) -> float:
        """Return how long to go on where a full run goes on for `full` seconds."""
        return max(0.5, full / _QUICK) if self.quick else full
