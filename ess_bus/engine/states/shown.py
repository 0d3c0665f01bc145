"""What machines show."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.states.checks import look
from ess_bus.engine.states.common import E_STOPS
from ess_bus.engine.states.ess_checks import AC_SHOWN
from ess_bus.engine.states.machine import Machine
from ess_bus.engine.states.model import State
from ess_bus.engine.states.options import STATES
from ess_bus.reference import Reference

Put = Callable[[Reference, Any], None]


def show(machine: Machine, datamap: DataMap, put: Put) -> None:
    """Show a machine's state, what it does and what came of it, in its status table and below ``/states``."""
    asset, request = machine.asset, "" if machine.request is None else machine.request.name
    status = f"/status/{asset}"
    doing = {
        "since": _stamp(machine.since_s),
        "request": request,
        "step": machine.step,
        "step_since": _stamp(machine.step_since_s) if machine.step else "",
        "waits_for": machine.waits_for,
    }
    for name, value in {**doing, "state": str(machine.state), "result": machine.result}.items():
        show_value(Reference(f"{STATES}/{asset}", name), value, datamap, put)
    show_value(Reference(status, "SystemState"), str(machine.state), datamap, put)
    show_value(Reference(status, "Step"), machine.waits_for, datamap, put)
    show_value(Reference(status, "LastResult"), machine.result, datamap, put)
    variable = datamap.find(status, "SystemState")
    if variable is not None:
        variable.parameters.update(doing)
    if machine.table.power:
        show_value(Reference(status, "StandBy"), machine.state is State.STANDBY, datamap, put)
        show_value(Reference(status, "AcContactor"), look(AC_SHOWN, machine.world).truth, datamap, put)
        show_value(Reference(status, "EStopHeldBy"), held_by(machine, datamap), datamap, put)
        bits = sum(is_held << bit for bit, is_held in enumerate(holders(machine, datamap)))
        show_value(Reference(status, "EStopHolders"), bits, datamap, put)
    _enable_buttons(machine, datamap, put)


def picture(machine: Machine, now_s: float) -> dict[str, Any]:
    """Return the same at a glance, with the seconds that the state and the step have lasted."""
    known = {
        "kind": machine.table.kind,
        "state": str(machine.state),
        "for_s": round(now_s - machine.since_s, 1),
        "result": machine.result,
        "waits_for": machine.waits_for,
    }
    if machine.request is None:
        return known
    step = {"step": machine.step, "step_for_s": round(now_s - machine.step_since_s, 1)}
    return {**known, "request": machine.request.name, **step}


def holders(machine: Machine, datamap: DataMap) -> list[bool]:
    """Return which of `E_STOPS` are held of an ESS; one that is not valid counts as held."""
    table = f"/controls/{machine.asset}"
    return [_value(datamap, table, name) not in (False, 0) for name in E_STOPS]


def held_by(machine: Machine, datamap: DataMap) -> str:
    """Return who holds the emergency stop of an ESS, in words."""
    held = zip(E_STOPS.values(), holders(machine, datamap), strict=True)
    return ", ".join(who for who, is_held in held if is_held)


def _enable_buttons(machine: Machine, datamap: DataMap, put: Put) -> None:
    for request in machine.table.requests:
        place = Reference(f"/assets/{machine.asset}/summary", request.button, "enabled")
        variable = datamap.find(place.table, place.name) if request.button else None
        if variable is not None:
            enabled = not machine.why_not(request.name, in_person=True)
            if variable.parameters.get("enabled") is not enabled:
                put(place, enabled)


def show_value(
    place: Reference, value: Any, datamap: DataMap, put: Put, owner: str = "shows what a state machine does"
) -> None:
    """Set a variable where it differs; nobody else sets it from now on."""
    variable = datamap.find(place.table, place.name)
    if variable is None or variable.value != value or type(variable.value) is not type(value):
        put(place, value)
        variable = datamap.find(place.table, place.name)
    if variable is not None:
        variable.cell.owner = owner


def _value(datamap: DataMap, table: str, name: str) -> Any:
    variable = datamap.find(table, name)
    return None if variable is None else variable.value


# States last, and are shown each time that something about them changes.
@lru_cache(maxsize=64)
def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
