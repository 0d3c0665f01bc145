"""Reading all points again and again, with the reader that the bridge polls with."""

from __future__ import annotations

import time
from itertools import groupby

from modbus_bridge.config.model import Point
from modbus_bridge.device import DeviceError
from modbus_bridge.polling.reader import Reader
from modbus_bridge.probe.line import ProbeLine
from modbus_bridge.probe.sheet import Sheet

_UNKNOWN = "the device does not tell it"


class Session:
    """Some points of a device, by component, and what is known of them."""

    def __init__(self, line: ProbeLine, components: dict[str, list[Point]]) -> None:
        self.line = line
        self.sheet = Sheet()
        self._readers: list[tuple[str, Reader]] = []
        for component, points in components.items():
            self.sheet.add(component, points)
            # A reader for each unit: one that is silent says nothing about the others.
            ordered = sorted(points, key=lambda point: point.device_id)
            for _, group in groupby(ordered, key=lambda point: point.device_id):
                self._readers.append((component, Reader(component or line.address, group)))

    async def read(self) -> None:
        """Read everything once and note it, failures included."""
        for component, reader in self._readers:
            try:
                answers = await reader.read(self.line, time.monotonic())
            except DeviceError as error:
                self.sheet.failed(component, reader.points, str(error), time.monotonic())
                continue
            now_s = time.monotonic()
            for block, registers in answers:
                if registers is None:
                    reason = self.line.reasons.get(block.key, _UNKNOWN)
                    self.sheet.failed(component, block.points, reason, now_s)
                else:
                    self.sheet.read(component, block, registers, now_s)
