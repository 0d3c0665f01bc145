"""The watchdog: a point that must go on changing, and what is said when it does not; pure, the time is passed in."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from modbus_bridge import events
from modbus_bridge.config.model import Watchdog


class State(StrEnum):
    """The states of the reference (modbus.md 1.2 and 4.3)."""

    INIT = "INIT"
    NORMAL = "NORMAL"
    ALARM = "ALARM"
    FAULT = "FAULT"
    RECOVERY = "RECOVERY"


# What events about a transition to a state carry (modbus.md 4.3).
SEVERITIES: Final = {
    State.INIT: events.INFO,
    State.NORMAL: events.STATUS,
    State.ALARM: events.ALARM,
    State.FAULT: events.FAULT,
    State.RECOVERY: events.STATUS,
}


class WatchdogState:
    """Where a watchdog stands.

    ::

        INIT ──change──> NORMAL ──alarm_s──> ALARM ──fault_s──> FAULT ──change──> RECOVERY ──recovery_s──> NORMAL
                                   ALARM ──change──> NORMAL    RECOVERY ──recovery_timeout_s──> FAULT

    Attributes:
        state: the present state.
    """

    def __init__(self, watchdog: Watchdog, now_s: float) -> None:
        self.state = State.INIT
        self._watchdog = watchdog
        self._changed_s = now_s
        self._recovering_s = now_s
        self._known: Any = None

    def still_s(self, now_s: float) -> float:
        """Return for how long the point has not changed."""
        return now_s - self._changed_s

    def look(self, value: Any, now_s: float) -> bool:
        """Note what the point is now (``None``: it could not be read, which is no change); tell of a transition."""
        before = self.state
        changed = value is not None and self._known is not None and value != self._known
        if value is not None:
            self._known = value
        if changed:
            self._changed_s = now_s
            self._move(now_s)
        else:
            self._stand(now_s - self._changed_s)
        return self.state is not before

    def _move(self, now_s: float) -> None:
        if self.state is State.FAULT:
            self.state = State.RECOVERY
            self._recovering_s = now_s
        elif self.state is not State.RECOVERY or now_s - self._recovering_s >= self._watchdog.recovery_s:
            self.state = State.NORMAL

    def _stand(self, still_s: float) -> None:
        if self.state is State.RECOVERY:
            if still_s >= self._watchdog.recovery_timeout_s:
                self.state = State.FAULT
        elif still_s >= self._watchdog.fault_s:
            self.state = State.FAULT
        elif still_s >= self._watchdog.alarm_s and self.state is not State.FAULT:
            self.state = State.ALARM
