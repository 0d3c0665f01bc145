"""Reading all points of one component, however patchy the device's map is."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence

from modbus_bridge.config.model import Point, RegisterType
from modbus_bridge.device import DeviceRefused
from modbus_bridge.line import Line
from modbus_bridge.plan import Block, blocks, split

log = logging.getLogger(__name__)

Key = tuple[RegisterType, int, int, int]
# What a device told: every block that was asked for, with its registers, or None where it refuses them.
Answers = list[tuple[Block, Sequence[int] | None]]

RETRY_BAD_AFTER_S = 30.0
# A device says "illegal data address" for a gap, and some say "illegal data value" for a block that they find too long.
_NEVER_READABLE = frozenset((2, 3))


class Reader:
    """Reads blocks in one turn each, and learns from what the device refuses.

    What can never be read (an address that does not exist) splits its block at once and for good; the one bad point
    that remains is retried slowly. What cannot be read now (device failure, busy) splits its block by one step per
    round, so that one register without a value does not hide its neighbours for long; once all is well, blocks are
    whole again.
    """

    def __init__(self, name: str, points: Iterable[Point]) -> None:
        self._name = name
        self._points = tuple(points)
        self._blocks = blocks(self._points)
        self._bad: dict[Key, float] = {}
        self._failing = False

    @property
    def points(self) -> tuple[Point, ...]:
        """What is read; others may be set at any time, and are read from the next `read` on."""
        return self._points

    @points.setter
    def points(self, points: Iterable[Point]) -> None:
        self._points = tuple(points)
        self._blocks = blocks(self._points)

    async def read(self, line: Line, now_s: float) -> Answers:
        """Return the registers of every block; each point lies in exactly one of them.

        Raises:
            DeviceUnreachable: there is no connection.
            DeviceSilent: the device stopped to answer.
        """
        answers: Answers = []
        next_round: list[Block] = []
        failure: str | None = None
        todo = deque(self._blocks)
        while todo:
            block = todo.popleft()
            values: Sequence[int] | None = None
            parts = [block]
            if self._bad.get(block.key, now_s) <= now_s:
                try:
                    values = await self._request(line, block)
                except DeviceRefused as error:
                    if error.code not in _NEVER_READABLE:
                        failure = failure or f"{_named(block)}: {error}"
                        parts = split(block)
                    elif len(block.points) > 1:
                        todo.extendleft(reversed(split(block)))
                        continue
                    else:
                        self._note_bad(block, error, now_s)
            next_round += parts
            answers.append((block, values))
        self._blocks = next_round
        self._note_failure(failure)
        return answers

    async def _request(self, line: Line, block: Block) -> Sequence[int]:
        async with line.turn() as way:
            values = await way.read(block.type, block.device_id, block.start, block.count)
        if self._bad.pop(block.key, None) is not None:
            log.info("%s: %s: answered again", self._name, _named(block))
        return values

    def _note_bad(self, block: Block, error: DeviceRefused, now_s: float) -> None:
        if block.key not in self._bad:
            log.warning("%s: %s: %s; published as null until then", self._name, _named(block), error)
        self._bad[block.key] = now_s + RETRY_BAD_AFTER_S

    def _note_failure(self, failure: str | None) -> None:
        if failure is None and self._failing:
            log.info("%s: all registers are answered again", self._name)
            self._blocks = blocks(self._points)
        elif failure is not None and not self._failing:
            log.warning("%s: %s; what the device cannot tell is published as null", self._name, failure)
        self._failing = failure is not None


def _named(block: Block) -> str:
    first, last = block.points[0].id, block.points[-1].id
    names = first if first == last else f"{first} to {last}"
    return f"{names} ({block.type} {block.start} to {block.start + block.count - 1}, device id {block.device_id})"
