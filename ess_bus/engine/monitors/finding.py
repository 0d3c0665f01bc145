"""`Finding`: what one check says of a variable now, and how people are told."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from ess_bus.engine.monitors.trip import ROUNDING_S, Delays, Judgement
from ess_bus.engine.timing import NEVER

# (judgement, "alarm" or "fault") -> what is wrong, without who, how long and when.
Describe = Callable[[Judgement, str], str]


class Names(NamedTuple):
    """Under which parameters of the variable people see the timers of a check, and what it has raised."""

    alarm_time: str
    fault_time: str
    recover_time: str
    seen_alarm: str
    seen_fault: str
    seen_reset: str


def names(prefix: str) -> Names:
    """Return ``MaxAlarmTime``, ``seenMaxAlarm`` and so on."""
    seen = (f"seen{prefix}{word}" for word in ("Alarm", "Fault", "Reset"))
    return Names(f"{prefix}AlarmTime", f"{prefix}FaultTime", f"{prefix}RecoverTime", *seen)


NAMES: Final = names("")


class Finding(NamedTuple):
    """What one check says.

    Attributes:
        check: ``limit_max``; with the variable's name, what ``MonitorVarAlarm`` and ``MonitorVarFault`` become.
        names: of the parameters that show it; ``None`` if none do.
        judgement: of the value.
        delays: for the trip.
        patience: how long it may last, as messages say it; those of a value that stands still are counted by the check.
        describe: says what is wrong.
        with_fault: whether it can become a fault.
        left: (alarm, fault) that is left of `patience`, where the check counts it.
        wake_s: when the judgement changes by itself.
    """

    check: str
    names: Names | None
    judgement: Judgement
    delays: Delays
    patience: Delays
    describe: Describe
    with_fault: bool = False
    left: tuple[float, float] | None = None
    wake_s: float = NEVER

    @property
    def shown_left(self) -> tuple[float, float] | None:
        """What is left where the check counts it, in whole seconds: it always runs, and each change is published."""
        if self.left is None:
            return None
        alarm_s, fault_s = (float(math.ceil(one)) for one in self.left)
        return min(alarm_s, self.patience.alarm_s), min(fault_s, self.patience.fault_s)

    def text(self, judgement: Judgement, severity: str, name: str, now_s: float) -> str:
        """Return the message: ``[SOC] value [3] < min alarm threshold [5] for 2.5 seconds at 06-25-2024 20:18:46``."""
        patience_s = self.patience.alarm_s if severity == "alarm" else self.patience.fault_s
        what = self.describe(judgement, severity)
        return f"[{name}] {what} for {patience_s:g} seconds at {stamp(now_s)}"


def lasting(
    check: str,
    names: Names | None,
    now_s: float,
    since_s: float | None,
    patience: Delays,
    describe: Describe,
    *,
    with_fault: bool,
    shown: Any,
    hold_s: float | None = None,
) -> Finding:
    """Return what is said of something that has lasted since a time, ``None`` if it does not.

    Its time is counted from when it began, not by a trip: it may have to begin again in the midst of it.

    Args:
        check: what it is called.
        names: of the parameters that show it.
        now_s: the steady clock.
        since_s: when it began.
        patience: how long it may last.
        describe: says what is wrong.
        with_fault: whether it may become a fault.
        shown: what messages say of it.
        hold_s: how long it may last and still counts as well; as long as there is no alarm if it is not said.
    """
    delays = Delays(0, 0, patience.recover_s)
    if since_s is None:
        judgement = Judgement(False, False, True, shown)
        left = patience.alarm_s, patience.fault_s
        return Finding(check, names, judgement, delays, patience, describe, with_fault, left)
    alarm_s, fault_s = max(0.0, since_s + patience.alarm_s - now_s), max(0.0, since_s + patience.fault_s - now_s)
    hold_left = alarm_s if hold_s is None else max(0.0, since_s + hold_s - now_s)
    ahead = [time_s for time_s in (hold_left, alarm_s, fault_s if with_fault else 0.0) if time_s > ROUNDING_S]
    judgement = Judgement(alarm_s <= ROUNDING_S, with_fault and fault_s <= ROUNDING_S, hold_left > ROUNDING_S, shown)
    wake_s = now_s + min(ahead) if ahead else NEVER
    return Finding(check, names, judgement, delays, patience, describe, with_fault, (alarm_s, fault_s), wake_s)


def stamp(now_s: float) -> str:
    """Return a time as people of the original read it, UTC: ``06-25-2024 20:18:46.001234``."""
    return datetime.fromtimestamp(now_s, UTC).strftime("%m-%d-%Y %H:%M:%S.%f")


def written(value: Any) -> str:
    """Return a value as messages show it."""
    if value is None or isinstance(value, bool):
        return {None: "not valid", True: "true", False: "false"}[value]
    return str(value)[:80]
