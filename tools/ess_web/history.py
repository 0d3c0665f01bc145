"""`History`: samples of chosen variables for trends, kept for an hour at one a second."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

EVERY_S: Final = 1.0
KEPT: Final = 3600
MAX_CHOSEN: Final = 64

Number = float | int | None


class History:
    """Whoever was chosen longest ago makes room for the next one."""

    def __init__(self, most: int = MAX_CHOSEN, kept: int = KEPT) -> None:
        self._series: dict[str, deque[tuple[float, Number]]] = {}
        self._most, self._kept = most, kept

    @property
    def chosen(self) -> tuple[str, ...]:
        """The variables that are recorded."""
        return tuple(self._series)

    def choose(self, uri: str) -> None:
        """Record a variable from now on."""
        self._series[uri] = self._series.pop(uri, deque(maxlen=self._kept))
        while len(self._series) > self._most:
            del self._series[next(iter(self._series))]

    def sample(self, valid: Callable[[str], Any], at: float) -> dict[str, Number]:
        """Record what `valid` returns for each variable; what is no number is a gap."""
        taken: dict[str, Number] = {}
        for uri, series in self._series.items():
            value = valid(uri)
            number = (int(value) if isinstance(value, bool) else value) if isinstance(value, int | float) else None
            series.append((at, number))
            taken[uri] = number
        return taken

    def series(self, uri: str) -> list[tuple[float, Number]]:
        """Return what was recorded of a variable: (time, number or ``None`` for a gap)."""
        return list(self._series.get(uri, ()))
