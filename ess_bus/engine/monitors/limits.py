"""The checks ``Max`` and ``Min`` of CheckMonitorVar: a number must not be beyond a threshold (engine.md 3.7)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Literal

from ess_bus.engine.monitors.finding import Finding, names, written
from ess_bus.engine.monitors.settings import delays_of
from ess_bus.engine.monitors.trip import Delays, Judgement
from ess_bus.engine.numbers import is_number

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call
    from ess_bus.engine.monitors.monitor import Monitor

Side = Literal["Max", "Min"]

# A parameter that is not there; one that is null is not valid.
_MISSING: Final = object()
_NAMES: Final = {side: names(side) for side in ("Max", "Min")}
_CHECKS: Final = {"Max": "limit_max", "Min": "limit_min"}
# All parameters on which the settings of a side depend.
_PARAMETERS: Final = {
    side: (
        *(f"{side}{word}" for word in ("AlarmThreshold", "FaultThreshold", "ResetValue")),
        *(f"{one}{word}Timeout" for one in (side, "") for word in ("Alarm", "Fault", "Recover")),
        "EnableFaultCheck",
    )
    for side in ("Max", "Min")
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the parameters say of one side.

    Attributes:
        given: the parameters from which they were read.
        alarm_at, fault_at, reset_at: thresholds; `_MISSING` ones are not checked, ``None`` is not valid.
        complaint: what is configured and does nothing, "" if nothing is: whoever wrote it relies on it.
    """

    side: Side
    given: tuple[Any, ...]
    alarm_at: Any
    fault_at: Any
    reset_at: Any
    patience: Delays
    complaint: str

    @property
    def is_checked(self) -> bool:
        """Tell whether anything of this side is checked."""
        return self.alarm_at is not _MISSING or self.fault_at is not _MISSING

    def judge(self, value: float | None) -> Judgement:
        """Return what the limits say of a number, or of one that is not valid."""
        side = self.side
        is_well = bool(_beyond(self.reset_at, value, side))
        return Judgement(_beyond(value, self.alarm_at, side), _beyond(value, self.fault_at, side), is_well, value)

    def describe(self, judgement: Judgement, severity: str) -> str:
        """Return what is wrong."""
        sign, threshold = ">" if self.side == "Max" else "<", self.alarm_at if severity == "alarm" else self.fault_at
        limit = f"{self.side.lower()} {severity} threshold [{written(threshold)}]"
        return f"value [{written(judgement.shown)}] {sign} {limit}"


def limits(call: Call, monitor: Monitor, side: Side) -> Finding:
    """Return what one side says of the variable of a call.

    Raises:
        ValueError: the value, a threshold or a time-out is not a number.
    """
    check = _CHECKS[side]
    given = tuple(map(call.variable.parameters.get, _PARAMETERS[side], repeat(_MISSING)))
    known = monitor.limits.get(check)
    if known is None or known.given != given:
        known = monitor.limits[check] = _read(call, side, given)
    if known.complaint and check in monitor.trips:
        # Not at the first look: other variables' actions may set what is missing. What was defined with the side that
        # is checked is no failure of each value that is set later.
        tell = call.engine.warn if known.is_checked else call.engine.fail
        tell(f"{call.place} {check}", f"{call.place}: {known.complaint}")
    has_fault = known.fault_at is not _MISSING
    judgement = known.judge(_number(call.variable.value))
    return Finding(check, _NAMES[side], judgement, known.patience, known.patience, known.describe, has_fault)


def _read(call: Call, side: Side, given: tuple[Any, ...]) -> Limits:
    with_fault = bool(call.parameter("EnableFaultCheck"))
    words = ("AlarmThreshold", "FaultThreshold", "ResetValue")
    alarm_at, fault_at, reset_at = (_threshold(call, f"{side}{word}") for word in words)
    complaint = ""
    if alarm_at is _MISSING and (fault_at is _MISSING or not with_fault):
        complaint = f"there is no {side}AlarmThreshold, nothing is checked"
    elif fault_at is not _MISSING and call.parameter("EnableFaultCheck") is None:
        complaint = f"{side}FaultThreshold is not checked without EnableFaultCheck"
    if not with_fault:
        fault_at = _MISSING
    if reset_at is _MISSING:
        reset_at = fault_at if alarm_at is _MISSING else alarm_at
    return Limits(side, given, alarm_at, fault_at, reset_at, delays_of(call, side), complaint)


def _threshold(call: Call, name: str) -> Any:
    value = call.parameter(name, _MISSING)
    if value is _MISSING or value is None or is_number(value):
        return value
    raise ValueError(f"{name}: expected a number, got {str(value)[:40]!r}")


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, bool) or is_number(value):
        return value
    raise ValueError(f"expected a number, it holds {str(value)[:40]!r}")


def _beyond(value: Any, threshold: Any, side: Side) -> bool | None:
    """Tell whether a value is beyond a threshold, strictly; ``None`` where one of them is not valid."""
    if value is _MISSING or threshold is _MISSING:
        return False
    if value is None or threshold is None:
        return None
    return bool(value > threshold if side == "Max" else value < threshold)
