"""`Following`: whether the processes whose values count here go on living; the broker only tells of those that end."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

ASK_EVERY_S: Final = 1.0
# A machine that has other things to do may be as slow as that.
PATIENCE_S: Final = 3.0


class Following:
    """Knows who was asked, and who has answered. The time is passed in.

    Who has never told of itself cannot be asked, and is not missed.
    """

    def __init__(self) -> None:
        self._asked_s = float("-inf")
        # Since when an answer is waited for, and who is able to give one.
        self._waiting: dict[str, float] = {}
        self._able: set[str] = set()

    def gone(self, name: str) -> None:
        """Forget somebody."""
        self._able.discard(name)
        self._waiting.pop(name, None)

    def to_ask(self, names: Collection[str], now_s: float) -> Collection[str]:
        """Return whom to ask now; nobody else is waited for."""
        if now_s < self._asked_s + ASK_EVERY_S:
            return ()
        self._asked_s = now_s
        self._waiting = {name: self._waiting.get(name, now_s) for name in names}
        return names

    def heard(self, name: str) -> None:
        """Note an answer, or that somebody tells of itself."""
        self._waiting.pop(name, None)
        self._able.add(name)

    def forget(self) -> None:
        """Wait for nobody: what was asked and answered until now may be lost."""
        self._waiting.clear()

    def take_silent(self, now_s: float) -> list[str]:
        """Return who has not answered for too long; it is waited for anew."""
        silent = [
            name for name, since_s in self._waiting.items() if now_s > since_s + PATIENCE_S and name in self._able
        ]
        for name in silent:
            del self._waiting[name]
        return silent
