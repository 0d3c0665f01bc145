"""The bridge's line to a device, and why it refused what it refused."""

from __future__ import annotations

from collections.abc import Iterable

from modbus_bridge.config.model import Connection, RegisterType
from modbus_bridge.device import DeviceRefused
from modbus_bridge.polling.line import Line
from modbus_bridge.polling.reader import Key
from modbus_bridge.polling.way import Way


class ProbeLine(Line):
    """A line that remembers the reason of each refusal.

    Attributes:
        reasons: request -> why the device refused it when it was asked last.
        requests: how many reads were asked for.
    """

    def __init__(self, connection: Connection, device_ids: Iterable[int]) -> None:
        super().__init__(connection, device_ids, lambda: None)
        self.reasons: dict[Key, str] = {}
        self.requests = 0

    def turn(self, *, urgent: bool = False) -> Way:
        """Return a way to the device, as `Line.turn`."""
        return _NotingWay(self, urgent=urgent)


class _NotingWay(Way):
    __slots__ = ()

    async def read(self, table: RegisterType, device_id: int, start: int, count: int) -> list[int]:
        line = self._line
        assert isinstance(line, ProbeLine)  # noqa: S101 - nothing else makes these
        line.requests += 1
        key = (table, device_id, start, count)
        try:
            values = await super().read(*key)
        except DeviceRefused as error:
            line.reasons[key] = str(error)
            raise
        line.reasons.pop(key, None)
        return values
