"""Carrying out writes on a device: in order, one set at a time for each unit, never late."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from modbus_bridge.device import DeviceError, DeviceLost, DeviceSilent, DeviceUnreachable
from modbus_bridge.polling.line import Line
from modbus_bridge.polling.spread import Spread
from modbus_bridge.polling.way import Way
from modbus_bridge.values.orders import Write, joined


class WriteFailed(Exception):
    """A set was not carried out, or in part; the text says what and why."""


class Writer:
    """What all components of one connection write through.

    Attributes:
        times: how long writes took, from the request to its answer.
        failures: how many were not confirmed by the device.
    """

    def __init__(self, line: Line, *, together: bool) -> None:
        """`together` writes neighbours in one request."""
        self.times = Spread()
        self.failures = 0
        self._line = line
        self._together = together
        self._units: dict[int, asyncio.Lock] = {}

    @property
    def silence(self) -> str:
        """What is said when the device does not answer."""
        return f"device at {self._line.address} does not answer"

    def is_up(self, device_ids: Iterable[int]) -> bool:
        """Tell whether these units answered last time."""
        return self._line.is_up(device_ids)

    async def carry_out(
        self, writes: Sequence[Write], deadline_s: float, written: list[Write], *, urgent: bool = True
    ) -> None:
        """Write all of `writes` in order, in one turn; what the device has confirmed goes to `written`.

        Args:
            writes: what to write.
            deadline_s: from when on nothing is sent any more: who asked does not wait any longer, and a command that
                comes late is worse than none.
            written: an empty list, filled as far as it goes.
            urgent: whether polls wait for it.

        Raises:
            WriteFailed: the device did not confirm one of them; the rest is not sent.
        """
        if self._together:
            writes = joined(writes)
        began_s = time.monotonic()
        try:
            async with AsyncExitStack() as stack:
                # Several connections may lead to one unit: between reading and writing a register nobody else writes.
                for device_id in sorted({write.point.device_id for write in writes}):
                    await stack.enter_async_context(self._units.setdefault(device_id, asyncio.Lock()))
                way = await stack.enter_async_context(self._line.turn(urgent=urgent))
                for write in writes:
                    await self._write(way, write, lambda: _require_in_time(deadline_s, began_s))
                    written.append(write)
        except (DeviceError, _TooLateError) as error:
            self.failures += 1
            raise WriteFailed(self._failure(error, writes, written)) from None

    async def _write(self, way: Way, write: Write, require_in_time: Callable[[], None]) -> None:
        require_in_time()
        point, words = write.point, write.words
        began_s = time.monotonic()
        if words is None:
            # Never from the last poll: somebody else may have changed the other bits since.
            current = await way.read(point.type, point.device_id, point.offset, point.size)
            words = write.words_after(current)
        await way.write(
            point.type, point.device_id, point.offset, words, multi_write=write.multi_write, before=require_in_time
        )
        self.times.record(time.monotonic() - began_s)

    def _failure(self, error: Exception, writes: Sequence[Write], written: Sequence[Write]) -> str:
        reason = self.silence if isinstance(error, DeviceUnreachable) else str(error)
        failed = names_of(writes[len(written) : len(written) + 1])
        if isinstance(error, DeviceSilent | DeviceLost):
            reason = f"{reason}; whether {failed} was written is unknown"
        if len(writes) == 1:
            return reason
        return f"{failed}: {reason}; written before: {names_of(written) or 'nothing'}"


def names_of(writes: Iterable[Write]) -> str:
    """Return what a set called these writes."""
    return ", ".join(name for write in writes for name in write.names)


class _TooLateError(Exception):
    pass


def _require_in_time(deadline_s: float, began_s: float) -> None:
    now_s = time.monotonic()
    if now_s >= deadline_s:
        raise _TooLateError(f"expired: it had waited for {now_s - began_s:.1f} s and was not carried out any more")
