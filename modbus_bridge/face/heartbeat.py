"""Heartbeats: a register that a living device changes, and one that is changed for it; pure, the time is passed in."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from modbus_bridge.config.model import Heartbeat, Point


class Beat(StrEnum):
    """What the read register tells (modbus.md 3.1 and 4.3)."""

    INIT = "INIT"
    NORMAL = "NORMAL"
    FROZEN = "FROZEN"
    FAULT = "FAULT"


class ReadHeartbeat:
    """Whether the read register still changes.

    Attributes:
        state: INIT until it has changed once, FROZEN when it stood still for too long, FAULT while the device itself
            does not answer.
        value: what was read last; ``None`` if it was not.
    """

    def __init__(self, timeout_s: float, now_s: float) -> None:
        self.state = Beat.INIT
        self.value: Any = None
        self._timeout_s = timeout_s
        self._changed_s = now_s
        self._known: Any = None
        self._after_fault = Beat.INIT

    @property
    def is_alive(self) -> bool:
        """Whether the device may be taken for alive: before its first change it is given its time."""
        return self.state in (Beat.INIT, Beat.NORMAL)

    def seen(self, value: Any, now_s: float) -> bool:
        """Note what was read (``None``: the device has no value for it now); return whether the state changed."""
        before = self.state
        self.value = value
        if value is not None and value != self._known:
            # The first value of all is no change; the first after a fault is one if it moved meanwhile.
            if self._known is not None:
                self.state = Beat.NORMAL
                self._changed_s = now_s
            elif self.state is Beat.FAULT:
                self._begin_again(now_s)
            self._known = value
        elif self.state is Beat.FAULT:
            self._begin_again(now_s)
        elif now_s - self._changed_s >= self._timeout_s:
            self.state = Beat.FROZEN
        return self.state is not before

    def silent(self) -> bool:
        """Note that the device does not answer; return whether the state changed."""
        before, self.value = self.state, None
        if before is not Beat.FAULT:
            self._after_fault = Beat.FROZEN if before is Beat.FROZEN else Beat.INIT
            self.state = Beat.FAULT
        return self.state is not before

    def _begin_again(self, now_s: float) -> None:
        # The silence was the line's: the register gets its full time again, unless it was frozen before.
        self.state = self._after_fault
        self._changed_s = now_s


class WrittenHeartbeat:
    """The values that are written, one per period: 1, 2, ... and 0 after the largest."""

    def __init__(self, heartbeat: Heartbeat, point: Point) -> None:
        self._follows = heartbeat.read_id is not None
        self._largest = heartbeat.max_value or _largest(point)
        self._last = 0

    def next(self, read: Any) -> int | None:
        """Return what to write now, where the device's own heartbeat is `read`; ``None`` for nothing.

        With a read register it is that value and one more, as the originals do (modbus.md 4.3): so the device sees
        that it was heard. One that cannot be read is not answered.
        """
        if self._follows:
            if isinstance(read, bool) or not isinstance(read, int | float):
                return None
            self._last = int(read)
        self._last = self._last + 1 if 0 <= self._last < self._largest else 0
        return self._last


def _largest(point: Point) -> int:
    if point.type.is_bits:
        return 1
    bits = (1 << point.width - (1 if point.signed else 0)) - 1
    if point.is_float:
        bits = 65535
    value = bits / point.scale if point.scale else bits
    return max(1, int(value + point.shift))
