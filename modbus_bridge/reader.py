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

RETRY_BAD_AFTER_S = 30.0
# A device says "illegal data address" for a gap, and some say "illegal data value" for a block that they find too long.
_WORTH_SPLITTING = frozenset((2, 3))


class Reader:
    """Reads blocks in one turn each, and learns: a refused block is split for good, a refused point retried slowly."""

    def __init__(self, points: Iterable[Point]) -> None:
        self._blocks = blocks(points)
        self._bad: dict[Key, float] = {}
        self._refused: set[Key] = set()

    async def read(self, line: Line, now_s: float) -> dict[str, Sequence[int] | None]:
        """Return point id -> its words, or ``None`` where the device refuses them.

        Raises:
            DeviceUnreachable: there is no connection.
            DeviceSilent: the device stopped to answer.
        """
        words: dict[str, Sequence[int] | None] = {}
        done: list[Block] = []
        todo = deque(self._blocks)
        while todo:
            block = todo.popleft()
            if self._bad.get(block.key, now_s) > now_s:
                values = None
            else:
                try:
                    async with line.turn():
                        values = await line.read(block.type, block.device_id, block.start, block.count)
                except DeviceRefused as error:
                    if error.code in _WORTH_SPLITTING and len(block.points) > 1:
                        todo.extendleft(reversed(split(block)))
                        continue
                    self._note_refused(block, error, now_s)
                    values = None
                else:
                    self._note_answered(block)
            done.append(block)
            words |= _cut(block, values)
        self._blocks = done
        return words

    def _note_refused(self, block: Block, error: DeviceRefused, now_s: float) -> None:
        if block.key not in self._refused:
            self._refused.add(block.key)
            log.warning("%s: %s; published as null until it is answered", _named(block), error)
        if error.code in _WORTH_SPLITTING:
            self._bad[block.key] = now_s + RETRY_BAD_AFTER_S

    def _note_answered(self, block: Block) -> None:
        self._bad.pop(block.key, None)
        if block.key in self._refused:
            self._refused.remove(block.key)
            log.info("%s: answered again", _named(block))


def _cut(block: Block, values: Sequence[int] | None) -> dict[str, Sequence[int] | None]:
    if values is None:
        return dict.fromkeys((point.id for point in block.points), None)
    return {point.id: values[point.offset - block.start : point.end - block.start] for point in block.points}


def _named(block: Block) -> str:
    first, last = block.points[0].id, block.points[-1].id
    names = first if first == last else f"{first} to {last}"
    return f"{names} ({block.type} {block.start} to {block.start + block.count - 1}, device id {block.device_id})"
