"""What ``fims_listen --stats`` counts. It has no clock of its own: the time is passed in, in seconds."""

from __future__ import annotations

from collections.abc import Sequence

# A listener on / that runs for weeks must not keep a row of every URI that was used once.
MOST_URIS = 10_000
_OTHERS = "(other URIs)"


class Counter:
    """What was received on one URI.

    Attributes:
        count: messages.
        size: bytes of all their bodies.
        first, last: when they were received.
    """

    __slots__ = ("count", "first", "last", "size")

    def __init__(self, now: float) -> None:
        self.count = 0
        self.size = 0
        self.first = self.last = now

    def rate(self) -> float | None:
        """Return messages a second between the first and the last one; ``None`` if that cannot be told."""
        return (self.count - 1) / (self.last - self.first) if self.last > self.first else None


class Statistics:
    """Counters of all URIs, since `now`."""

    def __init__(self, now: float) -> None:
        self._begun = now
        self._counters: dict[str, Counter] = {}

    def add(self, uri: str, size: int, now: float) -> None:
        """Count a message with a body of `size` bytes."""
        counter = self._counters.get(uri)
        if counter is None:
            name = uri if len(self._counters) < MOST_URIS else _OTHERS
            counter = self._counters.setdefault(name, Counter(now))
        counter.count += 1
        counter.size += size
        counter.last = now

    def lines(self, now: float, lost: int, most: int | None = None) -> list[str]:
        """Return a table of the URIs in order, and what the listener itself has lost.

        Args:
            now: when it is.
            lost: messages that were sent but did not reach us, because we did not keep up.
            most: so many rows at most, those with the most messages; ``None`` is all.
        """
        shown = list(self._counters.items())
        if most is not None and len(shown) > most:
            shown = sorted(shown, key=lambda row: row[1].count, reverse=True)[:most]
        rows = [_row(uri, counter, now) for uri, counter in sorted(shown)]
        shown_rows = table([("URI", "COUNT", "RATE/S", "BYTES", "AGE S"), *rows])
        hidden = len(self._counters) - len(shown)
        return [*shown_rows, *([f"... and {hidden} more"] if hidden else []), self._summary(now, lost)]

    def _summary(self, now: float, lost: int) -> str:
        count = sum(counter.count for counter in self._counters.values())
        text = f"{_number(count, 'message')} on {_number(len(self._counters), 'URI')} in {now - self._begun:.1f} s"
        return f"{text}, {lost} LOST: this listener did not keep up" if lost else f"{text}, none lost"


def _row(uri: str, counter: Counter, now: float) -> tuple[str, ...]:
    rate = counter.rate()
    return (
        uri,
        str(counter.count),
        "-" if rate is None else f"{rate:.1f}",
        str(counter.size),
        f"{now - counter.last:.1f}",
    )


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column on the left and the others on the right, two spaces between them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
