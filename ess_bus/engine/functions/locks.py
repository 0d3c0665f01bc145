"""runAllLocks: locked variables keep their value, whatever is set."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function
from ess_bus.reference import Reference

LOCKS = "/locks"


@function("runAllLocks")
def run_all_locks(call: Call) -> None:
    """Lock the variables that the tables below /locks name, or unlock them if the value is false."""
    for _, entries in list(call.engine.datamap.below(LOCKS)):
        for entry in list(entries.values()):
            try:
                place = Reference.parse(str(entry.value))
            except ValueError:
                continue
            if call.engine.datamap.find(place.table, place.name) is not None:
                call.engine.put(place._replace(parameter="lock"), bool(call.value))
