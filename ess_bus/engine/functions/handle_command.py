"""HandleCmd: a command that is sent when its condition holds, and checked (engine.md 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import is_enabled, number_setting, own, put_if_changed, target_at, value_of
from ess_bus.engine.orders.giving import give, same
from ess_bus.engine.orders.precondition import unmet
from ess_bus.engine.orders.two_phases import Outcome, Patience, Phase, TwoPhases
from ess_bus.engine.severity import Severity
from ess_bus.reference import Reference

_MEMORY: Final = "HandleCmd"


@dataclass(slots=True)
class _Run:
    """One command under way; its value is that of the moment when it was triggered."""

    value: Any
    register: Reference
    phases: TwoPhases
    reason: str = ""


@function("HandleCmd", takes_invalid=True)
def handle_cmd(call: Call) -> None:
    """Carry out the command that the variable is: once ``triggerCmd`` is true, wait for its condition, send it, check.

    ``triggerCmd`` becomes false again at the end; setting it to false before cancels the command.
    """
    run: _Run | None = call.variable.memory.get(_MEMORY)
    triggered = call.parameter("triggerCmd") in (True, 1)
    try:
        if run is None:
            if not triggered or not is_enabled(call):
                return
            run = _begin(call)
        elif not triggered or not is_enabled(call):
            _finish(call, "cancelled", "CommandCancelled", Severity.STATUS)
            return
        _look(call, run)
    except ValueError as error:
        _finish(call, str(error), "SendFailure", Severity.ALARM)
        raise


def _begin(call: Call) -> _Run:
    if call.variable.value is None:
        raise ValueError("its value is not valid")
    place = target_at(call, "cmdVar")
    register = own(call.engine, call.place if place is None else place.place)
    tries = number_setting(call, "maxCmdTries", 0)
    patience = Patience(
        send_hold_s=number_setting(call, "sendCmdHoldTimeout", 0),
        send_s=number_setting(call, "sendCmdTimeout", 0),
        check_hold_s=number_setting(call, "checkCmdHoldTimeout", 0),
        check_s=number_setting(call, "checkCmdTimeout", 10),
        tries=max(1, int(tries)),
    )
    run = _Run(call.variable.value, register, TwoPhases(patience, call.engine.steady_s))
    call.variable.memory[_MEMORY] = run
    call.keep(cmdSent=False, cmdState=str(Phase.SEND), lastCmdVal=call.parameter("lastCmdVal", -1))
    put_if_changed(call.engine, _success(call), False)
    return run


def _look(call: Call, run: _Run) -> None:
    if run.phases.phase is Phase.SEND:
        reason = unmet(call)
        met, run.reason = reason is None, reason or ""
    else:
        met = same(value_of(call.engine, run.register, None), run.value)
    checking = run.phases.phase is Phase.CHECK
    match run.phases.look(met, call.engine.steady_s):
        case Outcome.SEND:
            call.keep(cmdSent=True, cmdState=str(Phase.CHECK), lastCmdVal=run.value, tLast=round(call.engine.now_s, 3))
            give(call.engine, run.register, run.value)
            _event(call, f"SendSuccess: {run.value} sent to {run.register}, try {run.phases.sent}", Severity.INFO)
        case Outcome.CONFIRMED:
            _finish(call, f"{run.register} is {run.value}", "ResponseSuccess", Severity.INFO)
        case Outcome.NOT_ALLOWED:
            _finish(call, run.reason, "SendFailure", Severity.ALARM)
        case Outcome.NO_RESPONSE:
            found = value_of(call.engine, run.register, None)
            shown = "not valid" if found is None else found
            text = f"{run.register} is {shown}, expected {run.value}; sent {run.phases.sent} times"
            _finish(call, text, "ResponseFailure", Severity.ALARM)
        case Outcome.WAIT if checking and run.phases.phase is Phase.SEND:
            call.keep(cmdSent=False, cmdState=str(Phase.SEND))


def _finish(call: Call, text: str, what: str, severity: Severity) -> None:
    """End the run, whatever has become of it, before anything that follows can trigger it again."""
    call.variable.memory.pop(_MEMORY, None)
    call.keep(triggerCmd=False, cmdState=f"{what}: {text}"[:200], tLast=round(call.engine.now_s, 3))
    _event(call, f"{what}: {text}", severity)
    put_if_changed(call.engine, _success(call), what == "ResponseSuccess")


def _success(call: Call) -> Reference:
    return Reference(f"/status/{call.asset}", f"{call.place.name}Success")


def _event(call: Call, text: str, severity: Severity) -> None:
    if call.parameter("enableAlert", True):
        call.engine.event(str(call.place), f"{call.place.name} {text}", severity)
