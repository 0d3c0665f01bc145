"""runAllLocks: locked variables keep their value, whatever is set."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.links import is_note
from ess_bus.reference import Reference

LOCKS = "/locks"


@function("runAllLocks")
def run_all_locks(call: Call) -> None:
    """Lock the variables that the tables below /locks name, or unlock them if the value is false."""
    engine = call.engine
    for table, entries in list(engine.datamap.below(LOCKS)):
        for name, entry in list(entries.items()):
            if is_note(name):
                continue
            where = f"{table}:{name}"
            try:
                place = Reference.parse(str(entry.value))
            except ValueError as error:
                engine.fail(where, f"{where}: {error}; it locks nothing")
                continue
            if engine.find(place.table, place.name) is None:
                engine.fail(where, f"{where}: {place} is not there; it locks nothing")
                continue
            engine.put(place._replace(parameter="lock"), bool(call.value))
