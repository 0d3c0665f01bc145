"""BalancePower: one command for two sides with a battery each (engine.md 4.5)."""

from __future__ import annotations

import math
from typing import Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import amount, is_enabled, number_setting, put_result, setting, target_at
from ess_bus.engine.power.balance import Balancing, Side, moved, share_of_a, split, wanted_correction

_USUAL: Final = Balancing()
_MEMORY: Final = "BalancePower"


@function("BalancePower", takes_invalid=True)
def balance_power(call: Call) -> None:
    """Split ``pCmdVar`` and ``qCmdVar`` over the sides A and B: more from the one with more voltage and energy.

    Switched off, or with a wrong parameter, it commands 0 once.
    """
    if not is_enabled(call):
        _stop(call)
        return
    try:
        powers, reactive = _powers(call), _reactive(call)
    except ValueError:
        _stop(call)
        raise
    _write(call, powers, reactive)


def _powers(call: Call) -> tuple[float, float]:
    how, a, b = _balancing(call), _side(call, "A"), _side(call, "B")
    now_s, memory = call.engine.steady_s, call.variable.memory
    correction, last_s = memory.get(_MEMORY, (0.0, now_s))
    if setting(call, "reset", False):
        correction = 0.0
        if call.parameter("reset") is True:
            call.keep(reset=False)
    else:
        wanted = wanted_correction(a, b, _current(call), how)
        correction = moved(correction, wanted, now_s - last_s, how)
    power = amount(call, "pCmdVar")
    memory[_MEMORY] = (correction, now_s)
    share = share_of_a(power or 0.0, a, b, correction)
    call.keep(Ratio=round(share, 4))
    return split(power, share, a, b, how)


def _reactive(call: Call) -> tuple[float, float]:
    """Return the reactive powers: it empties no battery, so both give the same."""
    half = (amount(call, "qCmdVar") or 0.0) / 2
    return half, half


def _current(call: Call) -> float | None:
    """Return the current; without a variable for it, voltages always count."""
    return amount(call, "dcCurrentVar", math.inf)


def _side(call: Call, name: str) -> Side:
    return Side(
        voltage=amount(call, f"bmsInputDc{name}"),
        energy=amount(call, f"bms{name}Energy"),
        charge=amount(call, f"pcsMaxChrgPwr{name}"),
        discharge=amount(call, f"pcsMaxDschgPwr{name}"),
    )


def _balancing(call: Call) -> Balancing:
    return Balancing(
        scale=number_setting(call, "scaleFactor", _USUAL.scale),
        threshold_v=number_setting(call, "threshold", _USUAL.threshold_v),
        deadband_v=number_setting(call, "deadband", _USUAL.deadband_v),
        least_current=number_setting(call, "dcCurrentThreshold", _USUAL.least_current),
        within_s=number_setting(call, "timeoutMs", _USUAL.within_s * 1000) / 1000,
        # One that is not known must not be exceeded.
        most_difference=max(amount(call, "maxPDeltakW", math.inf) or 0.0, 0.0),
    )


def _stop(call: Call) -> None:
    if call.variable.memory.pop(_MEMORY, None) is not None:
        # Somebody else may command now.
        _write(call, (0.0, 0.0), (0.0, 0.0), owner="")


def _write(
    call: Call, powers: tuple[float, float], reactive: tuple[float, float], owner: str = "is computed by BalancePower"
) -> None:
    outputs = zip(("pOutputAVar", "pOutputBVar", "qOutputAVar", "qOutputBVar"), (*powers, *reactive), strict=True)
    for key, value in outputs:
        place = target_at(call, key)
        if place is not None:
            put_result(call.engine, place.place, value, owner)
