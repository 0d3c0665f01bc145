"""SlewVal: a variable that another one follows no faster than a rate (engine.md 3.6)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import amount, as_number, is_enabled, put_if_changed, target_at, value_of
from ess_bus.engine.signals.ramp import ramp

# What a call counts for where `LastSlewedTime` says that time is not measured.
FIXED_S: Final = 0.1
# After a longer pause the ramp goes on where it is, instead of making up for the time in one jump.
LONGEST_PAUSE_S: Final = 10.0


@function("SlewVal", takes_invalid=True)
def slew_val(call: Call) -> None:
    """Let the variable at ``SlewedVal`` follow this one by ``SlewRate`` percent of ``RatedValue`` in a second at most.

    It is not valid while this one, the rate or the rated value is not; then it begins at ``StartVal`` where there is
    one, and otherwise where it was.
    """
    if not is_enabled(call):
        # The time while it is off does not count.
        call.variable.memory.pop("SlewVal", None)
        return
    passed_s = _passed(call)
    output = target_at(call, "SlewedVal")
    if output is None:
        raise ValueError("SlewedVal: expected the text /table:name")
    here = as_number(value_of(call.engine, output.place, None))
    if here is not None:
        call.variable.memory["SlewedVal"] = here
    result = None
    try:
        wanted, rate, rated = as_number(call.variable.value), amount(call, "SlewRate"), amount(call, "RatedValue")
        if wanted is not None and rate is not None and rated is not None:
            if rate < 0:
                raise ValueError(f"SlewRate: expected a number of 0 or more, got {rate}")
            start = _start(call) if here is None else here
            result = None if start is None else ramp(start, wanted, rate / 100 * abs(rated), passed_s)
    finally:
        put_if_changed(call.engine, output.place, result)


def _start(call: Call) -> float | None:
    return amount(call, "StartVal", call.variable.memory.get("SlewedVal", 0.0))


def _passed(call: Call) -> float:
    """Return the time since the last call; 0 for the first one."""
    now_s, memory = call.engine.steady_s, call.variable.memory
    fixed = as_number(call.parameter("LastSlewedTime"))
    if fixed is not None and fixed < 0:
        return FIXED_S
    passed_s = now_s - memory.get("SlewVal", now_s)
    memory["SlewVal"] = now_s
    call.keep(LastSlewedTime=round(call.engine.now_s, 3))
    return passed_s if passed_s <= LONGEST_PAUSE_S else 0.0
