"""`Schedule`: when each message of a fixed offered rate is due, and where it goes. No I/O and no clock.

The times are fixed beforehand. A publisher that is late sends at once what is due, and latency counts from the moment
a message was due: what waits behind a slow one is not left out of the figures (coordinated omission).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """Messages at a fixed rate over a number of URIs in turn.

    Attributes:
        rate: messages per second.
        count: how many messages.
        uris: how many URIs.
        quiet: how many of these URIs, the last ones, are silent from message `quiet_from` on.
        quiet_from: the number of the message from which on they are silent.
    """

    rate: float
    count: int
    uris: int = 1
    quiet: int = 0
    quiet_from: int = 0

    def due_ns(self, number: int) -> int:
        """Return when a message is due, in nanoseconds after the start."""
        return int(number * 1_000_000_000 / self.rate)

    def uri(self, number: int) -> int:
        """Return the index of the URI that a message goes to."""
        return number % (self.uris - self.quiet if self.quiet and number >= self.quiet_from else self.uris)

    def newest(self) -> list[int]:
        """Return for each URI the number of the last message that goes there, -1 if there is none."""
        last = [-1] * self.uris
        for number in range(self.count):
            last[self.uri(number)] = number
        return last
