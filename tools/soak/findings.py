"""`Findings`: what went wrong, counted by kind, with the first few of each kind in words. No I/O."""

from __future__ import annotations

from collections import Counter
from typing import Final

_MOST_TEXTS: Final = 5


class Findings:
    """Everything that must not be.

    Attributes:
        counts: kind -> how often.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._texts: dict[str, list[str]] = {}

    def add(self, kind: str, text: str) -> None:
        """Note something."""
        self.counts[kind] += 1
        texts = self._texts.setdefault(kind, [])
        if len(texts) < _MOST_TEXTS:
            texts.append(text)

    def lines(self) -> list[str]:
        """Return a line per kind and per text that was kept."""
        found = []
        for kind, count in self.counts.items():
            found.append(f"{kind}: {count}")
            found += [f"  {text}" for text in self._texts[kind]]
            if count > _MOST_TEXTS:
                found.append("  ...")
        return found
