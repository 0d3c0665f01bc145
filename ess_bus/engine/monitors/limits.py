"""The checks ``Max`` and ``Min`` of CheckMonitorVar: a number must not be beyond a threshold (engine.md 3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from ess_bus.engine.monitors.finding import Finding, names, written
from ess_bus.engine.monitors.settings import delays_of
from ess_bus.engine.monitors.trip import Judgement
from ess_bus.engine.numbers import is_number

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call

Side = Literal["Max", "Min"]

_MISSING: Final = object()
_NAMES: Final = {"Max": names("Max"), "Min": names("Min")}


def limits(call: Call, side: Side, *, is_first: bool) -> Finding:
    """Return what one side says of the variable of a call.

    A threshold that is not there is not checked; one that is not valid (null) leaves the check without an answer. At
    the first look, nothing is said of what is missing: other variables' actions may set it.

    Raises:
        ValueError: a threshold or a time-out is not a number.
    """
    with_fault = bool(call.parameter("EnableFaultCheck"))
    alarm_at, fault_at = _threshold(call, f"{side}AlarmThreshold"), _threshold(call, f"{side}FaultThreshold")
    if not is_first:
        _complain(call, side, alarm_at, fault_at, with_fault=with_fault)
    if not with_fault:
        fault_at = _MISSING
    reset_at = _threshold(call, f"{side}ResetValue")
    if reset_at is _MISSING:
        reset_at = fault_at if alarm_at is _MISSING else alarm_at
    patience = delays_of(call, side)

    def describe(judgement: Judgement, severity: str) -> str:
        sign, threshold = ">" if side == "Max" else "<", alarm_at if severity == "alarm" else fault_at
        return f"value [{written(judgement.shown)}] {sign} {side.lower()} {severity} threshold [{written(threshold)}]"

    value = _number(call.variable.value)
    judgement = Judgement(
        _beyond(value, alarm_at, side),
        _beyond(value, fault_at, side),
        bool(_beyond(reset_at, value, side)),
        call.variable.value,
    )
    has_fault = fault_at is not _MISSING
    return Finding(f"limit_{side.lower()}", _NAMES[side], judgement, patience, patience, describe, has_fault)


def _threshold(call: Call, name: str) -> Any:
    """Return a number, ``None`` where it is not valid, or `_MISSING`."""
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


def _complain(call: Call, side: Side, alarm_at: Any, fault_at: Any, *, with_fault: bool) -> None:
    """Name what is configured and does nothing: whoever wrote it relies on it."""
    where = f"{call.place} {side}"
    if alarm_at is _MISSING and (fault_at is _MISSING or not with_fault):
        call.engine.warn(f"{where} threshold", f"{call.place}: there is no {side}AlarmThreshold, nothing is checked")
    elif fault_at is not _MISSING and call.parameter("EnableFaultCheck") is None:
        text = f"{call.place}: {side}FaultThreshold is not checked without EnableFaultCheck"
        call.engine.warn(f"{where} fault", text)
