"""Searching the tables of one unit for what can be read."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from modbus_bridge.config.model import Kind, Point, RegisterType
from modbus_bridge.device import DeviceRefused, DeviceSilent, DeviceUnreachable
from modbus_bridge.probe.line import ProbeLine
from modbus_bridge.probe.search import Found, search
from modbus_bridge.protocol import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE

# Some devices answer nothing where they have nothing, and each such question costs its time-out.
MAX_SILENCES = 5
# One that has never answered is asked that often whether it does.
MAX_SILENCES_AT_FIRST = 3
_NOTHING_THERE = (ILLEGAL_ADDRESS, ILLEGAL_VALUE)


@dataclass(slots=True)
class Table:
    """What a search has found in one table of a unit.

    Attributes:
        type: which table.
        ranges: the addresses that can be read.
        requests: how many reads the search took.
        refusals: why single addresses were refused, and how many; without those where there is nothing.
        stopped: why the search ended early; ``None`` if it did not.
    """

    type: RegisterType
    ranges: list[range] = field(default_factory=list)
    requests: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None

    @property
    def count(self) -> int:
        """How many addresses can be read."""
        return sum(map(len, self.ranges))


class Scan:
    """Searches the tables of one unit, one after the other."""

    def __init__(self, line: ProbeLine, device_id: int, addresses: range, max_requests: int) -> None:
        """At most `max_requests` are sent for each table."""
        self._line = line
        self._device_id = device_id
        self._addresses = addresses
        self._max_requests = max_requests
        self._has_answered = False

    async def table(self, table: RegisterType, on_progress: Callable[[Table], None] | None = None) -> Table:
        """Search one table.

        Raises:
            DeviceUnreachable: there is no connection, and there was none before.
            DeviceSilent: the unit has not answered a single request.
        """
        result = Table(table)
        found = Found(self._addresses.start, self._addresses.stop - 1)
        silences = 0
        searching = search(found, self._line.limits.most(table)[0])
        request = next(searching)
        while result.stopped is None:
            readable = False
            try:
                await self._read(result, *request)
                readable = True
            except DeviceRefused as error:
                self._note_refusal(result, error, request[1])
            except (DeviceUnreachable, DeviceSilent) as error:
                silences += 1
                if not self._has_answered and (
                    isinstance(error, DeviceUnreachable) or silences == MAX_SILENCES_AT_FIRST
                ):
                    raise
                if silences == MAX_SILENCES:
                    result.stopped = str(error)
                await self._until_asked_again()
            if result.requests == self._max_requests:
                result.stopped = result.stopped or f"after {result.requests} requests (--max-requests, --range)"
            try:
                request = searching.send(readable)
            except StopIteration:
                break
            if on_progress and result.requests % 20 == 0:
                result.ranges = found.ranges
                on_progress(result)
        result.ranges = found.ranges
        return result

    async def _read(self, result: Table, start: int, count: int) -> None:
        result.requests += 1
        try:
            async with self._line.turn() as way:
                await way.read(result.type, self._device_id, start, count)
        except DeviceRefused:
            self._has_answered = True
            raise
        self._has_answered = True

    def _note_refusal(self, result: Table, error: DeviceRefused, count: int) -> None:
        if error.code == ILLEGAL_FUNCTION:
            result.stopped = str(error)
        elif count == 1 and error.code not in _NOTHING_THERE:
            result.refusals[str(error)] += 1

    async def _until_asked_again(self) -> None:
        # A little later than that, for timers may fire a little early.
        await asyncio.sleep(max(0.0, self._line.retry_at_s([self._device_id]) - time.monotonic()) + 0.001)


def points_of(tables: list[Table], device_id: int) -> list[Point]:
    """Return a point for each register or bit that was found, called after its table and address."""
    return [
        Point(
            f"{table.type}_{address}",
            table.type,
            address,
            device_id,
            kind=Kind.BOOL if table.type.is_bits else Kind.NUMBER,
            use_bool=False,
        )
        for table in tables
        for addresses in table.ranges
        for address in addresses
    ]
