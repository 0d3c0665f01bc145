"""MathMovAvg: the last samples of a variable, and statistics of them (engine.md 3.6)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import amount, as_number, is_enabled, setting, target_at
from ess_bus.engine.signals.samples import Samples

# Parameter that names the target -> what is written there.
_OUTPUTS: Final = {
    "outAvg": "average",
    "outAv": "average",
    "outMax": "largest",
    "outMin": "smallest",
    "outSp": "spread",
    "outSum": "total",
    "outFilt": "filtered",
    "outTimeFilt": "recent",
}
_DEPTH: Final = 16


@function("MathMovAvg", takes_invalid=True)
def math_mov_avg(call: Call) -> None:
    """Take the value as a sample and write average, maximum, minimum, spread, sum and filtered value where asked.

    A value that is not valid makes all of these not valid, and the samples before it do not count any more.
    """
    if not is_enabled(call):
        return
    results, ring = dict.fromkeys(_OUTPUTS.values()), None
    try:
        results, ring = _results(call, results)
    finally:
        _write(call, results, ring)


def _results(call: Call, nothing: dict[str, float | None]) -> tuple[dict[str, float | None], list[float] | None]:
    """Take the sample; return what the ring is now, and its samples."""
    samples = _samples(call)
    if setting(call, "reset", False):
        samples.clear()
        if call.parameter("reset") is True:
            call.keep(reset=False)
    factor, window_s = _factor(call), amount(call, "window", float("inf"))
    value = as_number(call.variable.value)
    if value is None:
        samples.clear()
        return nothing, None
    samples.add(value, call.engine.steady_s, factor)
    statistics = samples.statistics(call.engine.steady_s - (0.0 if window_s is None else window_s))
    return {**asdict(statistics), "filtered": samples.filtered}, samples.values


def _samples(call: Call) -> Samples:
    depth = call.number("depth", _DEPTH)
    known = call.variable.memory.get("MathMovAvg")
    if isinstance(known, Samples) and known.depth == depth:
        return known
    if depth != int(depth):
        raise ValueError(f"depth: expected a whole number, got {depth}")
    samples = call.variable.memory["MathMovAvg"] = Samples(int(depth))
    return samples


def _factor(call: Call) -> float:
    factor = call.number("filtFac", 1.0)
    if not 0 < factor <= 1:
        raise ValueError(f"filtFac: expected a number above 0, up to 1, got {factor}")
    return factor


def _write(call: Call, results: dict[str, float | None], ring: list[float] | None) -> None:
    for key, name in _OUTPUTS.items():
        place = target_at(call, key)
        if place is not None:
            call.engine.put(place.place, results[name])
    place = target_at(call, "vecAv")
    if place is not None:
        call.engine.put(place.place, ring)
