"""Controls of user interfaces: one that is disabled takes nothing, and whoever has tried is told (engine.md 6)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import KEEP, Assignment

_CONTROL: Final = "control"


def refusal(datamap: DataMap, assignment: Assignment) -> str | None:
    """Return why a set from the bus is not taken, ``None`` if it is.

    A definition, and what enables the control, are no use of it. Whoever disables a control may say why in its
    parameter ``reason``.
    """
    variable = datamap.find(assignment.place.table, assignment.place.name)
    if variable is None or variable.parameters.get("ui_type") != _CONTROL:
        return None
    said = assignment.parameters or {}
    if assignment.value is KEEP or assignment.actions is not None or assignment.act is False:
        return None
    if said.get("enabled", variable.parameters.get("enabled", True)):
        return None
    reason = variable.parameters.get("reason")
    return f"{assignment.place} is disabled{f': {reason}' if isinstance(reason, str) and reason else ''}"
