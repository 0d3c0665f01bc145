"""What a set does by itself where the configuration does not say it: commands, and items of old schedules."""

from __future__ import annotations

from typing import Any, Final, Protocol

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.functions.scheduling import NOTHING
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.schedule.running import SCHED
from ess_bus.engine.switch import is_switched_on
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference
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
# These are for one scheduled item, which the parameter uri names until they were carried out.
_OF_ITEMS: Final = frozenset({"run", "stop", "addSchedItem", "modSchedItem", "delSchedItem"})


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


class Host(Protocol):
    """What must be known to tell whether a command can be carried out."""

    datamap: DataMap

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""

    def fail(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""


def shortcoming(assignment: Assignment, host: Host) -> str | None:
    """Return why a command from the bus would do nothing; ``None`` if it will be tried, or is a definition or none."""
    place = assignment.place
    commands = _COMMANDS.get(place.table)
    if commands is None or place.name not in commands or assignment.actions is not None or not assignment.runs_actions:
        return None
    if assignment.value is None:
        return f"{place}: null is no command"
    said, variable = assignment.parameters or {}, host.find(place.table, place.name)
    if variable is not None and not {"enable", "enabled"} & said.keys() and not is_switched_on(variable, place, host):
        return f"{place} is switched off (enable, enabled)"
    if place.name not in _OF_ITEMS or not said or isinstance(assignment.value, str):
        return None
    uri = said.get("uri", None if variable is None else variable.parameters.get("uri"))
    return f"{place}: expected uri with /table:name" if uri in (None, NOTHING) else None


def is_command(place: Reference) -> bool:
    """Tell whether a set there is a command."""
    return place.name in _COMMANDS.get(place.table, ())


def is_scheduled(table: str) -> bool:
    """Tell whether a table is one of scheduled items."""
    parts = segments(table)
    return bool(parts) and parts[0] == SCHED


def _calling(function: str) -> dict[str, Any]:
    return {"onSet": [{"func": [{"func": function}]}]}
