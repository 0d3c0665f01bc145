"""`Pulses`: a key that is pressed again and again, a certain number of times (engine.md 4.2, RunKeyCmd)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keying:
    """How a key is pressed: for `on_s` seconds, every `every_s` seconds, `tries` times."""

    on_s: float = 3.0
    every_s: float = 4.0
    tries: int = 5


class Pulses:
    """The pulses of one run.

    Args:
        keying: how.
        now_s: when it begins, on the steady clock.
    """

    def __init__(self, keying: Keying, now_s: float) -> None:
        self._keying = keying
        self._next_s = now_s
        self.pressed = 0

    def look(self, now_s: float) -> bool:
        """Tell whether the key is to be pressed now; one that comes late delays those that follow."""
        if self.pressed >= self._keying.tries or now_s < self._next_s:
            return False
        self.pressed += 1
        self._next_s = now_s + self._keying.every_s
        return True

    def is_over(self, now_s: float) -> bool:
        """Tell whether the last press has had its time."""
        return self.pressed >= self._keying.tries and now_s >= self._next_s
