"""CloseContactorsEnable and its like: whether a button of a user interface can be used now (engine.md 4.4)."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.functions.state_requests import asset_for


@function("CloseContactorsEnable", takes_invalid=True)
def enable_close(call: Call) -> None:
    """Set the parameter ``enabled``: a person may close the contactors of the BMS now."""
    _enable(call, "bms", "close")


@function("OpenContactorsEnable", takes_invalid=True)
def enable_open(call: Call) -> None:
    """Set the parameter ``enabled``: a person may open the contactors of the BMS now."""
    _enable(call, "bms", "open")


@function("StartEnable", takes_invalid=True)
def enable_start(call: Call) -> None:
    """Set the parameter ``enabled``: a person may start the PCS now."""
    _enable(call, "pcs", "start")


@function("StopEnable", takes_invalid=True)
def enable_stop(call: Call) -> None:
    """Set the parameter ``enabled``: a person may stop the PCS now."""
    _enable(call, "pcs", "stop")


@function("StandbyEnable", takes_invalid=True)
def enable_standby(call: Call) -> None:
    """Set the parameter ``enabled``: a person may put the PCS into standby now."""
    _enable(call, "pcs", "standby")


def _enable(call: Call, kind: str, request: str) -> None:
    why_not = call.engine.states.machine(asset_for(call, kind)).why_not(request, in_person=True)
    for name, value in (("enabled", not why_not), ("why_not", why_not)):
        if call.parameter(name) != value:
            call.engine.put(call.place._replace(parameter=name), value)
