"""The line to a device, with many users: who may ask when, and whether the units behind it answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from typing import Final

from modbus_bridge.config.model import Connection, Serial
from modbus_bridge.device import DeviceError, DeviceUnreachable
from modbus_bridge.polling.channels import Channels
from modbus_bridge.polling.health import Health
from modbus_bridge.polling.plan import Limits
from modbus_bridge.polling.statistics import ChannelStatistics
from modbus_bridge.polling.units import Units
from modbus_bridge.polling.way import Way

log = logging.getLogger(__name__)

# A device that closes idle connections must not be polled faster because of it.
_LEAST_BETWEEN_WAKES_S: Final = 10.0
# A device that is busy says so at once, and has usually done what it does within some hundred milliseconds.
_BUSY_PAUSES_S: Final = (0.05, 0.1, 0.2)


class Line:
    """Lends out ways to a device; connects when one is used, asks a silent unit only now and then."""

    def __init__(self, connection: Connection, device_ids: Iterable[int], on_change: Callable[[], None]) -> None:
        """`on_change` is called when a unit stops to answer or answers again, and when the connection breaks."""
        self.address = str(connection.address)
        self.pause_s = connection.pause_s
        self.limits = Limits.of(connection)
        self.channels = Channels(connection, self._lost)
        self._on_change = on_change
        self._health = Health()
        self._units = Units(device_ids)
        self._busy: set[int] = set()
        self._wake_at_s = 0.0
        # On a serial line an answer that comes late cannot be told from the next one: it gets time to come first.
        self._least_pause_s = connection.request_timeout_s if isinstance(connection.address, Serial) else 0.0

    @property
    def width(self) -> int:
        """How many turns it makes sense to ask for at once."""
        return self.channels.width

    @property
    def open_connections(self) -> int:
        """How many connections to the device stand."""
        return self.channels.are_open

    @property
    def statistics(self) -> list[ChannelStatistics]:
        """What happened on each of the connections that are allowed."""
        return self.channels.statistics

    def is_up(self, device_ids: Iterable[int]) -> bool:
        """Tell whether all these units answered when they were asked last."""
        return self._health.is_up and all(self._units[device_id].is_up for device_id in device_ids)

    def retry_at_s(self, device_ids: Iterable[int]) -> float:
        """Return the time on the monotonic clock from which a request to all these units is sent."""
        return max(health.retry_at_s for health in (self._health, *(self._units[unit] for unit in device_ids)))

    def turn(self, *, urgent: bool = False) -> Way:
        """Return a way to the device, for ``async with``: it is had alone for the block; urgent ones go first."""
        return Way(self, urgent=urgent)

    def close(self) -> None:
        """Close all connections."""
        self.channels.close()

    def check(self, device_id: int) -> None:
        """Let a request pass.

        Raises:
            DeviceUnreachable: the unit was silent, and it is not time yet to ask it again.
        """
        for health in (self._health, self._units[device_id]):
            if health.reason is not None and not health.may_try(time.monotonic()):
                raise DeviceUnreachable(health.reason)

    def busy_pause_s(self, device_id: int, attempts: int) -> float | None:
        """Return when to ask a busy unit again after `attempts` more attempts; ``None`` for not now.

        One that stays busy is not insisted on again before it has done something: a component of many blocks would
        keep the line for seconds.
        """
        if device_id in self._busy:
            return None
        if attempts == len(_BUSY_PAUSES_S):
            self._busy.add(device_id)
            return None
        return _BUSY_PAUSES_S[attempts]

    def failed(self, device_id: int, error: DeviceError, cost_s: float) -> None:
        """Note that a request was not answered, which took `cost_s` to find out."""
        now_s, reason = time.monotonic(), str(error)
        if isinstance(error, DeviceUnreachable):
            begins = self._health.failed(reason, now_s, self._least_pause_s)
        else:
            begins = self._units.failed(device_id, reason, now_s, cost_s=cost_s, least_pause_s=self._least_pause_s)
        if begins:
            log.warning("%s; published as not connected until it answers", error)
            self._on_change()

    def answered(self, device_id: int, *, is_busy: bool = False) -> None:
        """Note that a unit has answered, whatever it was."""
        if self._busy and not is_busy:
            self._busy.discard(device_id)
        # Both, whatever comes first: the connection was lost, or only this unit was silent.
        connected = self._health.answered()
        if connected:
            self.channels.encourage()
        if self._units.answered(device_id, time.monotonic()) or connected:
            log.info("%s answers again (device id %d)", self.address, device_id)
            self._on_change()

    def _lost(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._wake_at_s:
            self._wake_at_s = now_s + _LEAST_BETWEEN_WAKES_S
            self._on_change()
