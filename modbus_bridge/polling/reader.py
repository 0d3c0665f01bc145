"""Reading all points of one component, however patchy the device's map is."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from typing import Final

from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.device import DeviceError, DeviceRefused, DeviceSilent, DeviceUnreachable
from modbus_bridge.polling.line import Line
from modbus_bridge.polling.plan import Block, blocks, split
from modbus_bridge.polling.statistics import ReaderStatistics
from modbus_bridge.protocol import ILLEGAL_ADDRESS, ILLEGAL_VALUE

log = logging.getLogger(__name__)

Key = tuple[RegisterType, int, int, int]
# What a device told: every block that was asked for, with its registers, or None where it refuses them.
Answers = list[tuple[Block, Sequence[int] | None]]

RETRY_BAD_AFTER_S: Final = 30.0
# Hundreds of registers that the device lacks must not hold up those that it has, all at the same time.
_RETRIES_A_ROUND: Final = 8
_TOLD: Final = 10
# A device says "illegal data address" for a gap, and some say "illegal data value" for a block that they find too long.
_NEVER_READABLE: Final = frozenset((ILLEGAL_ADDRESS, ILLEGAL_VALUE))


class Reader:
    """Reads blocks in one turn each, and learns from what the device refuses.

    What can never be read (an address that does not exist) splits its block at once and for good; the one bad point
    that remains is retried slowly. What cannot be read now (device failure, busy) splits its block by one step per
    round, so that one register without a value does not hide its neighbours for long; once all is well, blocks are
    whole again.

    Attributes:
        statistics: what it costs, and what the device does not let it read.
        on_block: called with each block that was read, how long it waited for its turn, and how long the device took.
    """

    def __init__(self, name: str, points: Iterable[Point]) -> None:
        self.statistics = ReaderStatistics()
        self.on_block: Callable[[Block, float, float], None] | None = None
        self._name = name
        self._bad: dict[Key, float] = {}
        self._failing = False
        self._points = tuple(points)
        # None is not planned yet: what a request may read is the line's to say.
        self._blocks: list[Block] | None = None

    @property
    def points(self) -> tuple[Point, ...]:
        """What is read; others may be given at any time, from the next round on."""
        return self._points

    @points.setter
    def points(self, points: Iterable[Point]) -> None:
        self._points = tuple(points)
        self._blocks = None

    async def read(self, line: Line, now_s: float) -> Answers:
        """Return the registers of every block; each point lies in exactly one of them.

        With several connections several blocks are read at once.

        Raises:
            DeviceUnreachable: there is no connection.
            DeviceSilent: the device stopped to answer.
        """
        if self._blocks is None:
            self._blocks = blocks(self._points, line.limits)
        planned = self._blocks
        reading = _Round(planned)
        if self._bad:
            # Of those that are planned: points may have been taken out.
            due = [block.key for block in planned if self._bad.get(block.key, math.inf) <= now_s]
            reading.retried = set(nsmallest(_RETRIES_A_ROUND, due, key=self._bad.__getitem__))
        width = min(line.width, len(planned))
        if width > 1:
            await asyncio.gather(*(self._work(line, now_s, reading) for _ in range(width)))
        else:
            await self._work(line, now_s, reading)
        self._tell(reading)
        if reading.error is not None:
            raise reading.error
        # Other points may have been given meanwhile.
        if self._blocks is planned:
            self._blocks = reading.next_blocks
        self._note_failure(reading.failure)
        self._count(reading)
        return reading.answers

    async def _work(self, line: Line, now_s: float, reading: _Round) -> None:
        todo = reading.todo
        try:
            while todo:
                await self._read_block(line, todo.popleft(), now_s, reading)
        except (DeviceUnreachable, DeviceSilent) as error:
            reading.error = reading.error or error
            # The other workers end with the request that they are at: to give it up would cost its connection.
            todo.clear()

    async def _read_block(self, line: Line, block: Block, now_s: float, reading: _Round) -> None:
        values: Sequence[int] | None = None
        parts = [block]
        if not self._bad or block.key not in self._bad or block.key in reading.retried:
            try:
                values = await self._request(line, block)
                if self._bad and self._bad.pop(block.key, None) is not None:
                    reading.news.append((logging.INFO, f"{_named(block)}: answered again"))
            except DeviceRefused as error:
                parts = split(block)
                if error.code not in _NEVER_READABLE:
                    reading.failure = reading.failure or f"{_named(block)}: {error}"
                elif len(parts) > 1:
                    self.statistics.splits += 1
                    reading.todo.extendleft(reversed(parts))
                    return
                else:
                    self._note_bad(block, error, now_s, reading)
        reading.next_blocks += parts
        reading.answers.append((block, values))

    async def _request(self, line: Line, block: Block) -> Sequence[int]:
        asked_s = time.monotonic()
        async with line.turn() as way:
            began_s = time.monotonic()
            values = await way.read(block.type, block.device_id, block.start, block.count)
        if self.on_block is not None:
            self.on_block(block, began_s - asked_s, time.monotonic() - began_s)
        return values

    def _note_bad(self, block: Block, error: DeviceRefused, now_s: float, reading: _Round) -> None:
        if block.key not in self._bad:
            reading.news.append((logging.WARNING, f"{_named(block)}: {error}; published as null until it is answered"))
        self._bad[block.key] = now_s + RETRY_BAD_AFTER_S

    def _tell(self, reading: _Round) -> None:
        """Log what is new; a device that lacks thousands of registers must not fill the log."""
        for level, text in reading.news[:_TOLD]:
            log.log(level, "%s: %s", self._name, text)
        if len(more := reading.news[_TOLD:]):
            log.log(
                max(level for level, _ in more), "%s: %d more like this; _stats tell points_bad", self._name, len(more)
            )

    def _note_failure(self, failure: str | None) -> None:
        if failure is None and self._failing:
            log.info("%s: all registers are answered again", self._name)
            self._blocks = None
        elif failure is not None and not self._failing:
            log.warning("%s: %s; what the device cannot tell is published as null", self._name, failure)
        self._failing = failure is not None
        self.statistics.failing = failure

    def _count(self, reading: _Round) -> None:
        statistics = self.statistics
        statistics.blocks = len(reading.next_blocks)
        if self._bad or statistics.bad:
            bad = (block for block in reading.next_blocks if block.key in self._bad)
            statistics.bad = tuple(point.id for block in bad for point in block.points)


class _Round:
    """One reading of everything, by one or several workers."""

    __slots__ = ("answers", "error", "failure", "news", "next_blocks", "retried", "todo")

    def __init__(self, planned: list[Block]) -> None:
        self.todo = deque(planned)
        self.answers: Answers = []
        self.next_blocks: list[Block] = []
        self.news: list[tuple[int, str]] = []
        self.retried: set[Key] = set()
        self.failure: str | None = None
        self.error: DeviceError | None = None


def _named(block: Block) -> str:
    first, last = block.points[0].id, block.points[-1].id
    names = first if first == last else f"{first} to {last}"
    return f"{names} ({block.type} {block.start} to {block.start + block.count - 1}, device id {block.device_id})"
