"""What the device said and took, for as long as somebody may ask: the truth that a checker compares with. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from modbus_bridge.config.model import RegisterType
from tools.awkward.misdeeds import GOOD, Misdeed


@dataclass(frozen=True, slots=True)
class Answer:
    """A read that the device answered, well or badly.

    Attributes:
        at_s: when the registers were read, on the clock of the device.
        unit: the unit that was asked.
        table: the table that was asked for.
        start: the first address.
        words: what its registers held at that moment, as they were sent.
        misdeed: what was wrong with the answer.
    """

    at_s: float
    unit: int
    table: RegisterType
    start: int
    words: tuple[int, ...]
    misdeed: Misdeed = Misdeed.NONE

    @property
    def is_good(self) -> bool:
        """Whether a client may use it."""
        return self.misdeed in GOOD

    def part(self, offset: int, size: int) -> tuple[int, ...] | None:
        """Return the words of a variable, or ``None`` if it is not wholly in this answer."""
        first = offset - self.start
        return self.words[first : first + size] if first >= 0 and first + size <= len(self.words) else None


@dataclass(frozen=True, slots=True)
class Written:
    """A write that the device carried out, whatever it answered."""

    at_s: float
    unit: int
    table: RegisterType
    start: int
    words: tuple[int, ...]
    misdeed: Misdeed = Misdeed.NONE


class Records:
    """The answers and writes of the last `keep_s` seconds, and counts of everything.

    Attributes:
        deeds: how many requests (and connections) were dealt with in which way.
        requests: how many requests came.
        connections: how many connections were accepted.
    """

    def __init__(self, keep_s: float = 60.0) -> None:
        self.deeds: Counter[Misdeed] = Counter()
        self.requests = 0
        self.connections = 0
        self._keep_s = keep_s
        self._answers: dict[tuple[int, RegisterType], deque[Answer]] = {}
        self._writes: deque[Written] = deque()

    def answered(self, answer: Answer) -> None:
        """Note an answer."""
        kept = self._answers.setdefault((answer.unit, answer.table), deque())
        kept.append(answer)
        _forget(kept, answer.at_s - self._keep_s)

    def written(self, write: Written) -> None:
        """Note a write."""
        self._writes.append(write)
        _forget(self._writes, write.at_s - self._keep_s)

    def answers(self, unit: int, table: RegisterType) -> Iterator[Answer]:
        """Return what was answered of a table of a unit, the newest first."""
        return reversed(self._answers.get((unit, table), deque()))

    def writes(self, since_s: float = float("-inf")) -> list[Written]:
        """Return what was written, the oldest first."""
        return [write for write in self._writes if write.at_s >= since_s]


def _forget(kept: deque[Answer] | deque[Written], before_s: float) -> None:
    while kept[0].at_s < before_s:
        kept.popleft()
