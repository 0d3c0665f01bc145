"""CheckMonitorVar, CheckMonitorVar_v2: what must not last raises alarms and faults (engine.md 3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.monitors.condition import condition
from ess_bus.engine.monitors.expressions import expressions
from ess_bus.engine.monitors.limits import limits
from ess_bus.engine.monitors.settings import delays_of
from ess_bus.engine.monitors.still import Still, still
from ess_bus.engine.monitors.watching import Check, Kind, tell_comms, watch

if TYPE_CHECKING:
    from ess_bus.engine.monitors.finding import Finding
    from ess_bus.engine.monitors.monitor import Monitor


@function("CheckMonitorVar", takes_invalid=True)
def check_monitor_var(call: Call) -> None:
    """Raise alarms and faults when the value is beyond limits, stands still or is not what conditions expect."""
    monitor = watch(call, _FIRST)
    if call.parameter("EnableStateCheck") and call.parameter("EnableCommsCheck"):
        tell_comms(call, monitor, "state", is_well=monitor.still is not None and monitor.still.has_changed)


@function("CheckMonitorVar_v2", takes_invalid=True)
def check_monitor_var_v2(call: Call) -> None:
    """Raise alarms and faults while expressions of the value and other variables hold."""
    monitor = watch(call, _SECOND)
    if call.parameter("enableMonitor", True) and call.parameter("enableComms"):
        tell_comms(call, monitor, "condition", is_well=monitor.is_well("condition"))


def _checks(call: Call, monitor: Monitor) -> Iterator[Check]:
    """Yield the checks of CheckMonitorVar that are enabled."""
    if call.parameter("EnableMaxValCheck"):
        yield partial(limits, call, monitor, "Max")
    if call.parameter("EnableMinValCheck"):
        yield partial(limits, call, monitor, "Min")
    # Limits have thresholds for faults, and EnableFaultCheck for them; the others become faults with time.
    with_fault = bool(call.parameter("EnableFaultCheck", call.parameter("FaultTimeout") is not None))
    if call.parameter("EnableStateCheck"):
        yield partial(_state, call, monitor, with_fault=with_fault)
    if call.parameter("EnableConditionCheck"):
        yield partial(condition, call, with_fault=with_fault)


def _state(call: Call, monitor: Monitor, *, with_fault: bool) -> Finding:
    now_s, value = call.engine.steady_s, call.variable.value
    if monitor.still is None:
        monitor.still = Still(value, now_s)
    monitor.still.look(now_s, value)
    call.keep(lastVal=monitor.still.value)
    return still(now_s, monitor.still, delays_of(call), with_fault=with_fault)


def _conditions(call: Call, _monitor: Monitor) -> Iterator[Check]:
    if call.parameter("enableMonitor", True):
        yield partial(expressions, call)


_FIRST = Kind("CheckMonitorVar", _checks, check_monitor_var, "EnableAlert")
_SECOND = Kind("CheckMonitorVar_v2", _conditions, check_monitor_var_v2, "enableAlert")
