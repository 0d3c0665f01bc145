"""What nobody sets from outside: commands and results of the engine's own machines and functions.

What is commanded to a device goes past every check and limit that stands before it, and what is shown would no longer
be what is. It counts under whatever name a variable is addressed: links and vlinks share what is owned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ess_bus.engine.alarms import SHUTDOWN
from ess_bus.engine.meaning import KEEP, Assignment
from ess_bus.engine.variable import Variable

if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine

# With these a variable would keep its value, or nothing would follow from it: a stop would reach no device.
_SWITCHES: Final = ("enable", "enabled", "ifChanged", "lock")


def refusal(engine: Engine, assignment: Assignment) -> str | None:
    """Return why a set from the bus is not taken, ``None`` if it is.

    A definition is taken as long as it leaves the value as it is.
    """
    reason = owned(engine, assignment) or _ends_shutdown(engine, assignment)
    if reason is None:
        return None
    variable = engine.find(assignment.place.table, assignment.place.name)
    said = assignment.parameters or {}
    if assignment.actions is None:
        switch = next((name for name in _SWITCHES if name in said and said[name] != _parameter(variable, name)), None)
        if switch is not None:
            return f"{reason}; {switch} would keep it from that"
    if assignment.value is KEEP:
        return None
    is_same = assignment.bit is None and variable is not None and assignment.value == variable.value
    return None if assignment.actions is not None and is_same else reason


def owned(engine: Engine, assignment: Assignment) -> str | None:
    """Return whose a variable is, as a sentence; ``None`` if anybody may set it."""
    place = assignment.place
    variable = engine.find(place.table, place.name)
    if variable is not None and variable.cell.owner:
        return f"{place} {variable.cell.owner}; it is not set from outside"
    asset = engine.states.commander([(place.table, place.name), *(variable.shown_at() if variable is not None else ())])
    if asset is None:
        return None
    return f"{place} is commanded by the state machine of {asset} alone; expected a request to it, or to its ESS"


def _parameter(variable: Variable | None, name: str) -> object:
    return None if variable is None else variable.parameters.get(name)


def _ends_shutdown(engine: Engine, assignment: Assignment) -> str | None:
    """Return why the shutdown that faults have asked for is not taken back; others may ask for one."""
    place = assignment.place
    if place.name != SHUTDOWN or assignment.value is KEEP or assignment.value is True:
        return None
    asset = place.table.removeprefix("/status/")
    variable = engine.find(place.table, place.name)
    if asset not in engine.states.machines or variable is None or variable.value is not True:
        return None
    return f"{place} ends when faults are cleared; expected ClearFaultsCmd"
