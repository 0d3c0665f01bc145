"""What is known of each point that is probed, and how old that is; pure, the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.polling.plan import Block
from modbus_bridge.values import codec

Address = tuple[int, RegisterType, int]


@dataclass(slots=True)
class Row:
    """One point.

    Attributes:
        component: the id of its component, empty if there is none.
        point: what it is.
        words: its registers as they were read last; ``None`` if they never were.
        value: what they mean.
        read_s: when they were read.
        changed_s: when `value` became another one, or could not be read any more; ``None`` as long as it is the first.
        reason: why it was not read in the last round; ``None`` if it was.
    """

    component: str
    point: Point
    words: tuple[int, ...] | None = None
    value: Any = None
    read_s: float | None = None
    changed_s: float | None = None
    reason: str | None = "not read yet"

    @property
    def is_fresh(self) -> bool:
        """Whether it was read in the last round."""
        return self.reason is None

    @property
    def is_zero(self) -> bool:
        """Whether it has never been anything but 0."""
        return self.is_fresh and self.changed_s is None and self.words is not None and not any(self.words)

    def age_s(self, now_s: float) -> float | None:
        """Return how long ago it was read."""
        return None if self.read_s is None else max(0.0, now_s - self.read_s)

    def read(self, words: Sequence[int], now_s: float) -> None:
        """Note that it was read."""
        words = tuple(words)
        if words != self.words:
            self._changed(now_s)
            self.words, self.value = words, codec.decode(self.point, words)
        elif self.reason is not None:
            self._changed(now_s)
        self.read_s, self.reason = now_s, None

    def failed(self, reason: str, now_s: float) -> None:
        """Note that it was not read."""
        if reason != self.reason:
            self._changed(now_s)
        self.reason = reason

    def _changed(self, now_s: float) -> None:
        if self.read_s is not None:
            self.changed_s = now_s


@dataclass(slots=True)
class Sheet:
    """The rows of all points, in the order in which they were given."""

    rows: list[Row] = field(default_factory=list)
    _of: dict[str, dict[str, Row]] = field(default_factory=dict)
    _words: dict[Address, int] = field(default_factory=dict)

    def add(self, component: str, points: Iterable[Point]) -> None:
        """Add the points of a component."""
        for point in points:
            row = Row(component, point)
            self.rows.append(row)
            self._of.setdefault(component, {})[point.id] = row

    def read(self, component: str, block: Block, registers: Sequence[int], now_s: float) -> None:
        """Note an answer."""
        for point in block.points:
            words = block.words(point, registers)
            self._of[component][point.id].read(words, now_s)
            for index, word in enumerate(words):
                self._words[point.device_id, point.type, point.offset + index] = word

    def failed(self, component: str, points: Iterable[Point], reason: str, now_s: float) -> None:
        """Note why points were not read."""
        for point in points:
            self._of[component][point.id].failed(reason, now_s)
            for address in range(point.offset, point.end):
                self._words.pop((point.device_id, point.type, address), None)

    def word_behind(self, row: Row) -> int | None:
        """Return the register behind a point, if it was read, too."""
        point = row.point
        return self._words.get((point.device_id, point.type, point.end))

    @property
    def fresh(self) -> int:
        """How many points were read in the last round."""
        return sum(row.is_fresh for row in self.rows)
