"""`Repetition`: when everything is made safe once more in Fault, because it is not at rest."""

from __future__ import annotations

from ess_bus.engine.timing import NEVER


class Repetition:
    """Knows when the next time is, and how often it was.

    Attributes:
        count: how often, since it was not at rest first.
        due_s: the next time, on the steady clock.
    """

    def __init__(self) -> None:
        self.count = 0
        self.due_s = NEVER

    def is_due(self, now_s: float, period_s: float) -> bool:
        """Tell, while it is not at rest and nothing is done about it, whether to do it now; that counts."""
        if self.due_s == NEVER:
            self.due_s = now_s + period_s
        if now_s < self.due_s:
            return False
        self.due_s = NEVER
        self.count += 1
        return True

    def end(self) -> int:
        """Note that it is at rest; return how often it took."""
        count, self.count, self.due_s = self.count, 0, NEVER
        return count
