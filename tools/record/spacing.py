"""When each message of a recording is due again. No clock: times are passed in or counted from the first message."""

from __future__ import annotations

from tools.record.entry import Entry


class Spacing:
    """Adds up the times between messages.

    Within a run of the recorder they are told by the clock that nobody sets; between two runs, by that on the wall.
    """

    def __init__(self) -> None:
        self._last: Entry | None = None
        self._due_us = 0

    def due_s(self, entry: Entry) -> float:
        """Return how long after the first message this one, the next, was received."""
        last, self._last = self._last, entry
        if last is not None:
            same = last.run == entry.run
            step = entry.elapsed_us - last.elapsed_us if same else entry.at_us - last.at_us
            self._due_us += max(0, step)
        return self._due_us / 1e6
