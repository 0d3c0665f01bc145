"""`Derating`: a factor that falls while currents are too large and recovers afterwards (engine.md 4.5, DeratePower)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Steps:
    """How the factor moves: by these amounts with each call; after a trip it stands still for `hold_s` seconds."""

    decrement: float = 0.01
    increment: float = 0.001
    hold_s: float = 10.0


class Derating:
    """Remembers until when the factor stands still."""

    def __init__(self) -> None:
        self._held_until_s = -math.inf

    def step(self, factor: float, over: bool | None, far_over: bool | None, steps: Steps, now_s: float) -> float:
        """Return the next factor, 0 to 1.

        Args:
            factor: the one that counts now.
            over: the current is over the lower threshold (D1), ``None`` if that is not known.
            far_over: it is over the upper one (D2); without it nothing begins.
            steps: how fast.
            now_s: the steady clock.
        """
        # Beginning takes both thresholds; then the lower one is enough to go on.
        if over and (factor < 1 or far_over):
            self._held_until_s = now_s + steps.hold_s
            return max(0.0, factor - steps.decrement)
        # Nothing recovers on what is not known.
        if over is not False or now_s < self._held_until_s:
            return factor
        return min(1.0, factor + steps.increment)
