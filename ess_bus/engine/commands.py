"""What a set does by itself where the configuration does not say it: commands, and items of old schedules."""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.schedule.running import SCHED
from ess_bus.uri import segments

# Table -> command -> function (engine.md 3.2). The second table is where the original's scripts send them.
_COMMANDS: Final = {
    "/system/commands": {
        "link": "RunAllLinks2",
        "vlink": "RunAllVLinks",
        "run": "RunSched",
        "stop": "StopSched",
        "runMon": "RunMonitorList",
        "runOpts": "SchedItemOpts",
        "runPub": "RunPub",
        "loadCfg": "LoadConfig",
        "loadServer": "LoadServer",
        "dump": "DumpConfig",
    },
    "/schedule/ess": dict.fromkeys(("addSchedItem", "modSchedItem", "delSchedItem"), "HandleSchedItem"),
}
_LOAD: Final = "HandleSchedLoad"


def with_command(datamap: DataMap, assignment: Assignment) -> Assignment:
    """Give a command its function; an item below ``/sched`` that names a function schedules itself when it is set."""
    if assignment.actions is not None:
        return assignment
    place = assignment.place
    commands = _COMMANDS.get(place.table)
    function = None if commands is None else commands.get(place.name)
    if function is None and "fcn" in (assignment.parameters or {}) and is_scheduled(place.table):
        function = _LOAD
    if function is None:
        return assignment
    variable = datamap.find(place.table, place.name)
    if variable is not None and variable.actions:
        return assignment
    return assignment._replace(actions=_calling(function))


def is_scheduled(table: str) -> bool:
    """Tell whether a table is one of scheduled items."""
    parts = segments(table)
    return bool(parts) and parts[0] == SCHED


def _calling(function: str) -> dict[str, Any]:
    return {"onSet": [{"func": [{"func": function}]}]}
