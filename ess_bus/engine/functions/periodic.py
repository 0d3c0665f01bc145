"""Every100mSP1 and others: what the original's own schedule calls (engine.md 3.4)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import FUNCTIONS, Call, function
from ess_bus.engine.schedule.schedule import Plan
from ess_bus.reference import Reference

_EVERY_100_MS: Final = ("UpdateSysTime", "HandlePowerCmd", "CheckGPIO")
# name of the item -> (function, period in seconds, place among what is due at the same time)
_DEFAULT: Final = {
    "every100mSP1": ("Every100mSP1", 0.1, 0.22),
    "every1000mS": ("Every1000mS", 1.0, 0.21),
    "fastPub": ("FastPub", 0.05, 0.27),
    "slowPub": ("SlowPub", 2.0, 0.25),
}


@function("Every100mSP1", "Every100mS_P1")
def every_100_ms(call: Call) -> None:
    """Call UpdateSysTime, HandlePowerCmd and CheckGPIO for the engine; lists run by themselves."""
    for name in _EVERY_100_MS:
        if name in FUNCTIONS:
            call.engine.invoke(name, call.asset, call.place, call.variable, call.value)


@function("Every1000mS", "Every100mSP2", "Every100mSP3", "Every100mS_P2", "Every100mS_P3")
def every_second(call: Call) -> None:
    """Nothing here: what the original does each second needs no schedule."""


@function("EssSystemInit")
def ess_system_init(call: Call) -> None:
    """Schedule Every100mSP1, Every1000mS, FastPub and SlowPub where /sched/<engine> does not define them."""
    for name, (function_name, every, priority) in _DEFAULT.items():
        place = Reference(f"/sched/{call.engine.name}", name)
        if call.engine.find(place.table, place.name) is None:
            parameters = {"fcn": function_name, "amap": call.engine.name, "refTime": priority}
            call.engine.schedule.start(place, Plan(every), parameters)
