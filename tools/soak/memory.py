"""`Memory`: does a process grow? No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tools.bench.quantiles import median

# What is loaded on first use is there by then: this part of the run, but not more than so many seconds.
_WARM_UP, _WARM_UP_S = 0.2, 60.0
_MOST_PART: Final = 0.10
_MOST_MB: Final = 8.0


@dataclass(frozen=True, slots=True)
class Growth:
    """The medians of the first and of the last fifth of what was measured after warm-up, in MB."""

    first: float
    last: float

    @property
    def is_flat(self) -> bool:
        """Whether it grew by no more than 10 % and no more than 8 MB."""
        grown = self.last - self.first
        return grown <= _MOST_MB and grown <= _MOST_PART * self.first

    def __str__(self) -> str:
        return f"{self.first:.1f} MB, then {self.last:.1f} MB ({self.last - self.first:+.1f})"


class Memory:
    """The memory of one process over a run."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []

    def add(self, now_s: float, megabytes: float) -> None:
        """Note what it has; times ascend."""
        self._samples.append((now_s, megabytes))

    def growth(self) -> Growth | None:
        """Return its growth, or ``None`` if there is too little to say."""
        if not self._samples:
            return None
        began, ended = self._samples[0][0], self._samples[-1][0]
        warm_s = began + min(_WARM_UP * (ended - began), _WARM_UP_S)
        kept = [megabytes for at_s, megabytes in self._samples if at_s >= warm_s]
        fifth = len(kept) // 5
        return Growth(median(kept[:fifth]), median(kept[-fifth:])) if fifth else None
