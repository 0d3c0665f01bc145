"""RunKeyCmd, SendClearFaultCmd: keys that are pressed again and again (engine.md 3.6, 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ess_bus.engine.cell import Kind
from ess_bus.engine.functions.registry import Call, Engine, function
from ess_bus.engine.inputs import is_enabled, number_setting, own, put_if_changed, target, usual, value_of
from ess_bus.engine.orders.giving import give
from ess_bus.engine.orders.pulses import Keying, Pulses
from ess_bus.engine.severity import Severity
from ess_bus.reference import Reference

_MEMORY: Final = "keys"
_USUAL: Final = Keying()
# What `endTime` of a scheduled item is when it has come to its end, as in the files for items that wait to be started.
_ENDED: Final = 0.001
# A run that nobody has called for so many of its periods is abandoned: the next call begins another one.
_ABANDONED: Final = 2


@dataclass(slots=True)
class _Run:
    """One run of pulses; when it is over it stays so until somebody starts it again."""

    key: Reference
    keying: Keying
    pulses: Pulses
    called_s: float
    is_down: bool = False
    over: bool = False


@function("RunKeyCmd", takes_invalid=True)
def run_key_cmd(call: Call) -> None:
    """Press the key ``KeyCmd`` for maxKeyCmdOnTime each maxKeyCmdTime, up to maxKeyCmdTries times, then KeyCmdDone."""
    name = call.parameter("KeyCmd", "KeyCmd")
    if not isinstance(name, str):
        raise ValueError(f"KeyCmd: expected a text, got {str(name)[:40]!r}")
    key = target(call, name).place if name.startswith("/") else usual(call.engine, "controls", call.asset, name)
    run = _under_way(call, key)
    if run is not None:
        _press(call.engine, run)
        if run.pulses.is_over(call.engine.steady_s):
            _end(call, run)
        put_if_changed(call.engine, Reference(f"/status/{call.asset}", "KeyCmdDone"), run.over)


@function("SendClearFaultCmd", takes_invalid=True)
def send_clear_fault_cmd(call: Call) -> None:
    """Press the asset's ClearFaultCmd until its SystemFault is false, up to maxKeyCmdTries times."""
    engine, asset = call.engine, call.asset
    run = _under_way(call, usual(engine, "controls", asset, "ClearFaultCmd"))
    if run is None:
        return
    # A fault that is not known is none that is cleared.
    cleared = value_of(engine, usual(engine, "status", asset, "SystemFault"), None) is False
    if not cleared:
        _press(engine, run)
    if cleared or run.pulses.is_over(engine.steady_s):
        _end(call, run)
        verdict, severity = ("faults cleared", Severity.INFO) if cleared else ("faults not cleared", Severity.ALARM)
        engine.event(asset, f"{verdict} after {run.pulses.pressed} tries", severity)
    flag = Reference(f"/status/{asset}", "SendClearFault")
    if engine.find(flag.table, flag.name) is not None:
        put_if_changed(engine, flag, not run.over)


def _under_way(call: Call, key: Reference) -> _Run | None:
    """Return the run that this call belongs to, a new one where none is under way; ``None`` if there is nothing to do.

    Raises:
        ValueError: there is no such key, or an option is wrong.
    """
    now_s, memory = call.engine.steady_s, call.variable.memory
    run: _Run | None = memory.get(_MEMORY)
    if not is_enabled(call):
        if run is not None:
            _release(call.engine, run)
            del memory[_MEMORY]
        return None
    if run is not None and _is_past(call, run):
        _release(call.engine, run)
        run = None
    if run is None:
        if call.engine.find(key.table, key.name) is None:
            raise ValueError(f"{str(key)[:80]!r} is not there; no key to press")
        keying = _keying(call)
        run = memory[_MEMORY] = _Run(own(call.engine, key), keying, Pulses(keying, now_s), now_s)
    run.called_s = now_s
    return None if run.over else run


def _is_past(call: Call, run: _Run) -> bool:
    """Tell whether somebody has started the item again, or nobody has called for a long time."""
    if run.over and "endTime" in call.variable.parameters and call.parameter("endTime") != _ENDED:
        return True
    return call.engine.steady_s - run.called_s > _ABANDONED * run.keying.every_s


def _keying(call: Call) -> Keying:
    """Return the options of the asset; those of the engine itself are also called maxESSKeyCmdTime and so on."""
    found = []
    for what, default in (("OnTime", _USUAL.on_s), ("Time", _USUAL.every_s), ("Tries", _USUAL.tries)):
        own_default = number_setting(call, f"max{call.asset.upper()}KeyCmd{what}", default)
        found.append(number_setting(call, f"maxKeyCmd{what}", own_default))
    return Keying(found[0], found[1], int(found[2]))


def _press(engine: Engine, run: _Run) -> None:
    """Press the key if it is time to; it comes up by itself, whether this function is called again or not."""
    if not run.pulses.look(engine.steady_s):
        return
    give(engine, run.key, _state(engine, run.key, True))
    run.is_down = True
    engine.wakes.at(("key", run.key), engine.steady_s + run.keying.on_s, lambda: _release(engine, run))


def _release(engine: Engine, run: _Run) -> None:
    if not run.is_down:
        return
    run.is_down = False
    try:
        give(engine, run.key, _state(engine, run.key, False))
    except ValueError as error:
        engine.warn(f"{run.key} up", f"{run.key}: cannot be released: {error}")


def _state(engine: Engine, key: Reference, down: bool) -> bool | int:
    """Return true or false as the key's variable holds it: registers are numbers."""
    variable = engine.find(key.table, key.name)
    return int(down) if variable is not None and variable.cell.kind is Kind.NUMBER else down


def _end(call: Call, run: _Run) -> None:
    """End the run, and the scheduled item that it is for."""
    _release(call.engine, run)
    run.over = True
    if "endTime" in call.variable.parameters:
        call.keep(endTime=_ENDED)
