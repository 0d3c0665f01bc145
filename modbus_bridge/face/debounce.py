"""Sets that come too soon after another one wait, and the latest one wins; pure, the time is passed in.

The original's gen-2 does so (modbus.md 3.3); here whoever is passed over is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from modbus_bridge.values.orders import Place, Write

Job = TypeVar("Job")
# Registers, and which of their bits: sets of different bits do not replace each other.
Key = tuple[Place, int]


@dataclass(frozen=True, slots=True)
class Waiting(Generic[Job]):
    """A write that waits for the end of its window, and what it belongs to."""

    write: Write
    job: Job
    due_s: float


class Debounce(Generic[Job]):
    """The writes of one component that wait."""

    def __init__(self) -> None:
        self._written_s: dict[Place, float] = {}
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

    def wrote(self, write: Write, now_s: float) -> None:
        """Note what was written; its window begins."""
        self._written_s[_place(write)] = now_s

    def _due_s(self, write: Write) -> float:
        return self._written_s.get(_place(write), float("-inf")) + write.debounce_s


def _key(write: Write) -> Key:
    return _place(write), write.set_bits | write.clear_bits


def _place(write: Write) -> Place:
    point = write.point
    return point.type, point.device_id, point.offset, point.size
