"""An engine under an injected clock: what happens by itself happens at the times that a test says."""

from __future__ import annotations

from ess_bus.engine.engine import Engine
from ess_bus.engine.meaning import member
from ess_bus.reference import Reference

# The clocks of a machine that has been up for a while: nothing may depend on their beginning.
NOW_S, STEADY_S = 1_700_000_000.0, 5_000.0


def engine_of(tables=None, name="ess"):
    """Return an engine with these tables, loaded and told the time."""
    engine = Engine(name)
    places = [
        member(Reference(table, key), definition)
        for table, members in (tables or {}).items()
        for key, definition in members.items()
    ]
    engine.load(places)
    engine.advance(NOW_S, STEADY_S)
    return engine


def at(engine, uptime_s):
    """Let a time come, without what happens then."""
    engine.advance(NOW_S + uptime_s, STEADY_S + uptime_s)


def until(engine, uptime_s):
    """Let time pass as a process does that sleeps until something is due; return how often it woke."""
    woken = 0
    while (due_s := engine.due_s()) <= STEADY_S + uptime_s:
        at(engine, max(due_s - STEADY_S, engine.uptime_s))
        engine.tick()
        woken += 1
    at(engine, uptime_s)
    return woken


def shown(engine, path):
    """Return the parameters and the value of a variable: ``/sched/bms:x``."""
    place = Reference.parse(path)
    variable = engine.find(place.table, place.name)
    return {"value": variable.value, **variable.parameters}
