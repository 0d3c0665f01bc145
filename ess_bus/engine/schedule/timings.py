"""`Timings`: how late things happen and how long they take, for whoever asks what is slow."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

# What begins later than this after it was due counts as late.
LATE_S: Final = 0.01
# Quantiles are of so many of the latest values.
_KEPT: Final = 2048
# Functions are few; more names than this are not told apart.
_MAX_FUNCTIONS: Final = 500


@dataclass(slots=True)
class Spread:
    """The latest of some durations, in seconds, and the largest of all."""

    latest: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    largest: float = 0.0
    count: int = 0

    def record(self, seconds: float) -> None:
        """Take one."""
        self.latest.append(seconds)
        self.count += 1
        self.largest = max(self.largest, seconds)

    def shown(self) -> dict[str, float]:
        """Return p50, p99 and the maximum, in milliseconds."""
        ordered = sorted(self.latest)
        quantiles = {
            name: _ms(ordered[min(len(ordered) - 1, int(len(ordered) * part))]) if ordered else 0.0
            for name, part in (("p50", 0.5), ("p99", 0.99))
        }
        return {**quantiles, "max": _ms(self.largest)}


@dataclass(slots=True)
class _Calls:
    count: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    slowest: str = ""


class Timings:
    """Counts turns, ticks and calls."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._lateness, self._turns = Spread(), Spread()
        self._late = self._skipped = self._failures = 0
        self._functions: dict[str, _Calls] = {}

    def ticked(self, lateness_s: float) -> None:
        """Note that something that was due has begun."""
        self._lateness.record(max(0.0, lateness_s))
        self._late += lateness_s > LATE_S

    def skipped(self, count: int) -> None:
        """Note runs that were left out because they would have been too late."""
        self._skipped += count

    def turned(self, seconds: float) -> None:
        """Note how long it took to do all that was due, to handle what had arrived and to publish."""
        self._turns.record(seconds)

    def failed(self) -> None:
        """Note a function that did not come to its end."""
        self._failures += 1

    def called(self, function: str, place: object, seconds: float) -> None:
        """Note a call of a function with a variable."""
        calls = self._functions.get(function)
        if calls is None:
            if len(self._functions) >= _MAX_FUNCTIONS:
                return
            calls = self._functions[function] = _Calls()
        calls.count += 1
        calls.seconds += seconds
        if seconds >= calls.longest:
            calls.longest, calls.slowest = seconds, str(place)

    def shown(self) -> dict[str, Any]:
        """Return all of it; durations in milliseconds."""
        by_cost = sorted(self._functions.items(), key=lambda item: (-item[1].seconds, item[0]))
        return {
            "ticks": self._lateness.count,
            "late": self._late,
            "skipped": self._skipped,
            "failures": self._failures,
            "lateness_ms": self._lateness.shown(),
            "turns": self._turns.count,
            "turn_ms": self._turns.shown(),
            "functions": {
                name: {
                    "calls": calls.count,
                    "total_ms": _ms(calls.seconds),
                    "mean_ms": _ms(calls.seconds / calls.count),
                    "max_ms": _ms(calls.longest),
                    "slowest": calls.slowest,
                }
                for name, calls in by_cost
            },
        }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 4)
