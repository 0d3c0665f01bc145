"""RunMonitor, RunMonitorList: a list of variables that functions look at, run now (engine.md 3.2, 3.3)."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.schedule.wake_lists import WAKE_MONITOR


@function("RunMonitor", "RunMonitorList")
def run_monitor(call: Call) -> None:
    """Run the list mname (wake_monitor) of amname or aname (the engine), and of the assets below it (runChild)."""
    name = call.parameter("mname", WAKE_MONITOR)
    asset = call.parameter("amname") or call.parameter("aname") or call.engine.name
    if not isinstance(name, str) or not isinstance(asset, str):
        raise ValueError("mname, amname: expected names")
    call.engine.wake_lists.run_list(name, asset, with_children=bool(call.parameter("runChild", True)))
