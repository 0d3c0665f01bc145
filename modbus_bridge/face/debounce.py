"""Sets that come too soon after another one wait, and the latest one wins; pure, the time is passed in.

The original's gen-2 does so (modbus.md 3.3); here whoever is passed over is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from modbus_bridge.orders import Write

Job = TypeVar("Job")
# A point, and which of its bits: sets of different bits do not replace each other.
Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Job]):
    """A write that waits for the end of its window, and what it belongs to."""

    write: Write
    job: Job
    due_s: float


class Debounce(Generic[Job]):
    """The writes of one component that wait."""

    def __init__(self) -> None:
        self._written_s: dict[str, float] = {}
        self._waiting: dict[Key, Waiting[Job]] = {}

    @property
    def next_s(self) -> float:
        """When the first one is due; infinity if none waits."""
        return min((waiting.due_s for waiting in self._waiting.values()), default=float("inf"))

    def must_wait(self, write: Write, now_s: float) -> bool:
        """Tell whether this write comes too soon after another one of its point."""
        return now_s < self._due_s(write)

    def hold(self, write: Write, job: Job) -> list[Waiting[Job]]:
        """Keep a write until its window ends; return those that it supersedes."""
        superseded = self.supersede(write)
        self._waiting[_key(write)] = Waiting(write, job, self._due_s(write))
        return superseded

    def supersede(self, write: Write) -> list[Waiting[Job]]:
        """Return what waits and is overridden by a later write; it waits no more."""
        key = _key(write)
        # A whole register overrides its bits.
        over = [held for held in self._waiting if held == key or (held[0] == key[0] and not key[1])]
        return [self._waiting.pop(held) for held in over]

    def due(self, now_s: float) -> list[Waiting[Job]]:
        """Return the writes whose window has ended, the earliest first; they wait no more."""
        ready = [key for key, waiting in self._waiting.items() if waiting.due_s <= now_s]
        return sorted((self._waiting.pop(key) for key in ready), key=lambda waiting: waiting.due_s)

    def drop(self, job: Job | None = None) -> list[Waiting[Job]]:
        """Take back what waits, of one job or all of it, and return it."""
        mine = [key for key, waiting in self._waiting.items() if job is None or waiting.job is job]
        return [self._waiting.pop(key) for key in mine]

    def wrote(self, point_id: str, now_s: float) -> None:
        """Note that a point was written; its window begins."""
        self._written_s[point_id] = now_s

    def _due_s(self, write: Write) -> float:
        return self._written_s.get(write.point.id, float("-inf")) + write.point.debounce_s


def _key(write: Write) -> Key:
    return write.point.id, write.set_bits | write.clear_bits
