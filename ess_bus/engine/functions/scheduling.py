"""RunSched, StopSched, HandleSchedLoad, HandleSchedItem: commands to the schedule (engine.md 3.2)."""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.schedule.item import seconds
from ess_bus.engine.schedule.schedule import Plan
from ess_bus.reference import Reference

# A command that has been carried out names nothing any more.
NOTHING: Final = "none"
_PLAN: Final = ("every", "offset", "after", "for", "in")
# What the old commands say of an item.
_ITEM: Final = frozenset(
    {"fcn", "targ", "amap", "aname", "id", "refTime", "reftime", "runAfter", "repTime", "runFor", "endTime", "enabled"}
)


def place_of(given: Any) -> Reference:
    """Return the variable that ``uri`` names.

    Raises:
        ValueError: it names none.
    """
    if not isinstance(given, str) or not given.startswith("/"):
        raise ValueError(f"uri: expected /table:name, got {str(given)[:40]!r}")
    place = Reference.parse(given)
    if place.parameter is not None or "[" in given:
        raise ValueError(f"uri: {given!r}: expected a variable, not a part of one")
    return place


@function("RunSched")
def run_sched(call: Call) -> None:
    """Schedule the variable that uri names: every, offset, after (or in), for; in seconds."""
    given = {name: call.parameter(name) for name in ("uri", *_PLAN) if call.parameter(name) is not None}
    if given.get("uri", NOTHING) == NOTHING:
        return
    # What was said once must not count for the next command, also if it was wrong.
    call.keep(uri=NOTHING, **{name: 0 for name in _PLAN if name in given})
    call.engine.schedule.start(place_of(given["uri"]), Plan.read(given))


@function("StopSched")
def stop_sched(call: Call) -> None:
    """End the scheduled variable that uri names, now or after so many seconds (in)."""
    given, delay = call.parameter("uri", NOTHING), call.parameter("in", 0)
    if given == NOTHING:
        return
    call.keep(uri=NOTHING, **({"in": 0} if call.parameter("in") is not None else {}))
    call.engine.schedule.stop(place_of(given), seconds("in", delay))


@function("HandleSchedLoad")
def handle_sched_load(call: Call) -> None:
    """Schedule an item by its own parameters: fcn, targ, amap, refTime, runAfter, repTime, runFor, endTime."""
    given = call.parameter("uri", NOTHING)
    call.engine.schedule.load(call.place if given == NOTHING else place_of(given))


@function("HandleSchedItem", "AddSchedItem")
def handle_sched_item(call: Call) -> None:
    """Add, change or remove a scheduled item, as the variable is called addSchedItem, modSchedItem or delSchedItem."""
    given = call.parameter("uri", NOTHING)
    if given == NOTHING and isinstance(call.value, str) and call.value.startswith("/"):
        given = call.value
    if given == NOTHING:
        return
    place, schedule = place_of(given), call.engine.schedule
    if call.place.name.startswith("del"):
        schedule.stop(place)
    else:
        _define(call, place)
        if not call.place.name.startswith("mod"):
            schedule.load(place)
    call.keep(uri=NOTHING)


def _define(call: Call, place: Reference) -> None:
    """Give an item what the command says of it."""
    said = {name: value for name, value in call.variable.parameters.items() if name in _ITEM}
    known = call.engine.find(place.table, place.name)
    if known is None:
        call.engine.schedule.require(place)
        if isinstance(call.value, str) and not call.value.startswith("/"):
            said.setdefault("id", call.value)
    for name, value in said.items():
        call.engine.put(place._replace(parameter=name), value)
    for name in said:
        # The next command says all of its own.
        call.variable.parameters.pop(name, None)
