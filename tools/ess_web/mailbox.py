"""`Mailbox`: what one page has to be told; bounded, for of each variable only the newest value is kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

Item = TypeVar("Item")

# Lines of live listen and samples of trends that may wait for a page.
MAX_LINES: Final = 300
MAX_SAMPLES: Final = 120


@dataclass(frozen=True, slots=True)
class Post(Generic[Item]):
    """What is due.

    Attributes:
        items: whose value is another one.
        topics: what else is.
        lines: messages that the page listens to.
        missed: how many more there were.
        samples: what was recorded for trends.
    """

    items: list[Item]
    topics: frozenset[str]
    lines: list[Any]
    missed: int
    samples: list[Any]


class Mailbox(Generic[Item]):
    """Gathers until `take`. A page that takes nothing costs no more than this, however much happens."""

    __slots__ = ("_dirty", "_lines", "_missed", "_samples", "_topics")

    def __init__(self) -> None:
        self._dirty: dict[Item, None] = {}
        self._topics: set[str] = set()
        self._lines: deque[Any] = deque(maxlen=MAX_LINES)
        self._samples: deque[Any] = deque(maxlen=MAX_SAMPLES)
        self._missed = 0

    def mark(self, item: Item) -> None:
        """Note that an item has another value."""
        self._dirty[item] = None

    def forget(self, item: Item) -> None:
        """Take that back: the page does not show it any more."""
        self._dirty.pop(item, None)

    def note(self, topic: str) -> None:
        """Note that a topic is to be told again."""
        self._topics.add(topic)

    def add_line(self, line: Any) -> None:
        """Keep a message; the oldest one has to go if there are too many."""
        self._missed += len(self._lines) == MAX_LINES
        self._lines.append(line)

    def add_sample(self, sample: Any) -> None:
        """Keep a sample."""
        self._samples.append(sample)

    def take(self) -> Post[Item] | None:
        """Return what is due and forget it; ``None`` if nothing is."""
        if not (self._dirty or self._topics or self._lines or self._samples):
            return None
        post = Post(list(self._dirty), frozenset(self._topics), list(self._lines), self._missed, list(self._samples))
        self._dirty = {}
        for kept in (self._topics, self._lines, self._samples):
            kept.clear()
        self._missed = 0
        return post
