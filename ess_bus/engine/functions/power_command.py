"""HandlePowerCmd: set points in, commands out that PCS and battery can carry out (engine.md 4.5)."""

from __future__ import annotations

import math
from typing import Final

from ess_bus.engine.functions.registry import Call, Engine, function
from ess_bus.engine.inputs import is_enabled, number_setting, put_result, usual, value_of
from ess_bus.engine.numbers import is_number
from ess_bus.engine.power.limiter import Capability, Limited, limit
from ess_bus.engine.power.sources import (
    ACTIVE_SETPOINT,
    CONTROLS,
    REACTIVE_SETPOINT,
    Sources,
    pcs_of,
    priority,
    sources,
)
from ess_bus.engine.severity import Severity
from ess_bus.reference import Reference

ACTIVE: Final = "ActivePowerCmdReal"
REACTIVE: Final = "ReactivePowerCmdReal"
# The PCS that was commanded last, in the memory of the variable.
_COMMANDED: Final = "HandlePowerCmd"
_RESENT: Final = "resend"
_OWNER: Final = "is what HandlePowerCmd leaves of a set point"
_POSSIBLE: Final = "is what HandlePowerCmd finds possible"


@function("HandlePowerCmd", takes_invalid=True)
def handle_power_cmd(call: Call) -> None:
    """Limit the set points of a PCS to what it and its battery can do now, and write what is commanded.

    What is not valid counts as 0. Options are parameters of the set point, whoever calls; without one there is nothing
    to do. Where the set point is switched off, 0 is commanded once: what was commanded last must not stand for ever,
    and somebody else may command now.
    """
    at_setpoint: Call | None = call
    try:
        at_setpoint = _at_setpoint(call)
        if at_setpoint is None:
            return
        if is_enabled(at_setpoint):
            if is_enabled(call):
                _command(at_setpoint)
        else:
            _stop(at_setpoint)
            _release(at_setpoint)
    except ValueError:
        _stop(at_setpoint or call)
        raise


def _at_setpoint(call: Call) -> Call | None:
    """Return the call for the set point of the PCS: several callers must not come to different results."""
    pcs = pcs_of(call)
    for name in (ACTIVE_SETPOINT, REACTIVE_SETPOINT):
        place = usual(call.engine, CONTROLS, pcs, name)
        variable = call.engine.find(place.table, place.name)
        if variable is not None:
            return call._replace(asset=pcs, place=place, variable=variable)
    return None


def _command(call: Call) -> None:
    found = sources(call)
    able, wanted_p, wanted_q = found.capability(), found.wish(ACTIVE_SETPOINT), found.wish(REACTIVE_SETPOINT)
    limited = limit(wanted_p, wanted_q, able, priority(call, found))
    call.variable.memory[_COMMANDED] = found.pcs
    _show(call.engine, found.ess, able)
    _write(call.engine, found.pcs, limited.active, limited.reactive, _is_due_again(call))
    _tell(found, able, limited, wanted_p, wanted_q)


def _stop(call: Call) -> None:
    pcs = call.variable.memory.pop(_COMMANDED, None)
    if pcs is not None:
        _write(call.engine, pcs, 0.0, 0.0)


def _release(call: Call) -> None:
    """Let somebody else command the PCS, and say what is possible."""
    for name in (ACTIVE, REACTIVE):
        variable = call.engine.find(f"/{CONTROLS}/{call.asset}", name)
        if variable is not None and variable.cell.owner == _OWNER:
            variable.cell.owner = ""


def _is_due_again(call: Call) -> bool:
    """Tell whether the option ``resend``, in seconds, asks for the commands again: one may have been lost."""
    every_s, now_s, memory = number_setting(call, "resend", 0), call.engine.steady_s, call.variable.memory
    if not every_s or now_s - memory.get(_RESENT, -math.inf) < every_s:
        return False
    memory[_RESENT] = now_s
    return True


def _write(engine: Engine, pcs: str, active: float, reactive: float, again: bool = False) -> None:
    """Write both commands where they differ or are to be sent again.

    What becomes smaller comes first: together they are never too much.
    """
    table = f"/{CONTROLS}/{pcs}"
    commands = [(Reference(table, ACTIVE), active), (Reference(table, REACTIVE), reactive)]
    for place, value in sorted(commands, key=lambda command: _growth(engine, *command)):
        put_result(engine, place, value, _OWNER, again=again)


def _growth(engine: Engine, place: Reference, value: float) -> float:
    before = value_of(engine, place, None)
    return abs(value) - (abs(before) if is_number(before) else 0.0)


def _show(engine: Engine, ess: str, able: Capability) -> None:
    """Show what is possible now, for the site and for people."""
    table = f"/status/{ess}"
    put_result(engine, Reference(table, "MaxDischargePower"), able.discharge, _POSSIBLE)
    put_result(engine, Reference(table, "MaxChargePower"), able.charge, _POSSIBLE)
    put_result(engine, Reference(table, "MaxReactivePower"), able.reactive, _POSSIBLE)
    put_result(engine, Reference(table, "MaxApparentPower"), able.apparent, _POSSIBLE)


def _tell(found: Sources, able: Capability, limited: Limited, wanted_p: float | None, wanted_q: float | None) -> None:
    flags = {"PpLimited": limited.discharge_limited, "PnLimited": limited.charge_limited}
    room = f"possible are {able.charge:g} to {able.discharge:g} kW, {able.apparent:g} kVA"
    _flag(found, ACTIVE_SETPOINT, flags, f"{wanted_p} kW is limited to {limited.active:g} kW; {room}")
    flags = {"QpLimited": limited.positive_reactive_limited, "QnLimited": limited.negative_reactive_limited}
    room = f"possible are {able.reactive:g} kvar, {able.apparent:g} kVA"
    _flag(found, REACTIVE_SETPOINT, flags, f"{wanted_q} kvar is limited to {limited.reactive:g} kvar; {room}")


def _flag(found: Sources, setpoint: str, flags: dict[str, bool], text: str) -> None:
    """Post one event where limiting starts; parameters of the set point show that it goes on, and what is not valid."""
    place = found.setpoint(setpoint)
    variable, missing = found.engine.find(place.table, place.name), ", ".join(found.missing)
    if variable is None:
        return
    if any(on and not variable.parameters.get(flag) for flag, on in flags.items()):
        why = f"; not valid: {missing}" if missing else ""
        found.engine.event(str(place), f"{setpoint} {text}{why}", Severity.STATUS)
    variable.parameters.update(flags, NotValid=missing)
