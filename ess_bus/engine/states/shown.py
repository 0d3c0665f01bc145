"""What machines show, and the set points that an ESS passes on to its PCS."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.numbers import is_number
from ess_bus.engine.states.checks import first_failing, look
from ess_bus.engine.states.ess_checks import AC_SHOWN
from ess_bus.engine.states.machine import Machine
from ess_bus.engine.states.model import State
from ess_bus.engine.states.options import STATES
from ess_bus.engine.states.power import ACTIVE, REACTIVE, room, shares
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
        _set(f"{STATES}/{asset}", name, value, datamap, put)
    _set(status, "SystemState", str(machine.state), datamap, put)
    _set(status, "Step", machine.waits_for, datamap, put)
    _set(status, "LastResult", machine.result, datamap, put)
    variable = datamap.find(status, "SystemState")
    if variable is not None:
        variable.parameters.update(doing)
    if machine.table.power:
        _set(status, "StandBy", machine.state is State.STANDBY, datamap, put)
        _set(status, "AcContactor", look(AC_SHOWN, machine.world).truth, datamap, put)
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


def set_power(machine: Machine, datamap: DataMap, put: Put) -> None:
    """Set what the PCS of an ESS are asked for: the site's wishes while power is allowed, else 0."""
    allowed = is_power_allowed(machine)
    pcs = machine.world.group.pcs
    _set(f"/status/{machine.asset}", "PowerAllowed", allowed, datamap, put)
    for name in (ACTIVE, REACTIVE):
        wish = _value(datamap, f"/controls/{machine.asset}", name) if allowed else 0
        wish = wish if is_number(wish) else 0
        rooms = [room(name, wish, lambda limit, one=one: _value(datamap, f"/limits/{one}", limit)) for one in pcs]  # type: ignore[misc]
        for one, share in zip(pcs, shares(wish, rooms), strict=True):
            _set(f"/controls/{one}", name, share, datamap, put)


def is_power_allowed(machine: Machine) -> bool:
    """Tell whether an ESS may have power: it is in Running, nothing else is under way, and all that must hold does."""
    if machine.state is not State.RUNNING or machine.request is not None:
        return False
    return first_failing(machine.table.power, machine.world) is None


def _enable_buttons(machine: Machine, datamap: DataMap, put: Put) -> None:
    for request in machine.table.requests:
        table = f"/assets/{machine.asset}/summary"
        variable = datamap.find(table, request.button) if request.button else None
        if variable is not None:
            enabled = not machine.why_not(request.name, in_person=True)
            if variable.parameters.get("enabled") is not enabled:
                put(Reference(table, request.button, "enabled"), enabled)


def _set(table: str, name: str, value: Any, datamap: DataMap, put: Put) -> None:
    variable = datamap.find(table, name)
    if variable is None or variable.value != value or type(variable.value) is not type(value):
        put(Reference(table, name), value)


def _value(datamap: DataMap, table: str, name: str) -> Any:
    variable = datamap.find(table, name)
    return None if variable is None else variable.value


# States last, and are shown each time that something about them changes.
@lru_cache(maxsize=64)
def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
