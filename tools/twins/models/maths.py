"""The few formulas that the models share."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

# The slope of a source that holds its frequency or voltage whatever the load is.
STIFF: Final = -1e15
# Percent of a store that are no energy: less than 1e-11 of it.
_NOTHING: Final = 1e-9


def slew(value: float, target: float, rate: float, dt_s: float) -> float:
    """Return `value` moved towards `target` by at most `rate` per second."""
    if rate == math.inf:
        return target
    step = rate * dt_s
    return min(target, value + step) if target > value else max(target, value - step)


def travel(value: float, target: float, rise: float, drop: float, dt_s: float) -> float:
    """Return `value` moved towards `target`: away from zero by `rise` per second, back to it by `drop`."""
    if value * target < 0:
        needed_s = abs(value) / drop
        if needed_s >= dt_s:
            return value - math.copysign(drop * dt_s, value)
        value, dt_s = 0.0, dt_s - needed_s
    return slew(value, target, rise if abs(target) > abs(value) else drop, dt_s)


def droop_slope(y_nominal: float, x_nominal: float, percent: float) -> float:
    """Return how the output of a droop controlled source changes with frequency or voltage.

    Args:
        y_nominal: the rated power.
        x_nominal: the rated frequency or voltage.
        percent: how far it falls from no load to rated power, as a fraction; 0 is a source that does not give way.
    """
    return y_nominal / (-x_nominal * percent) if percent and x_nominal else STIFF


def interpolate(x: float, xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return the point of a line through (xs, ys), level beyond its ends; `xs` ascends."""
    right = bisect_right(xs, x)
    if right == 0:
        return ys[0]
    if right == len(xs):
        return ys[-1]
    x0, x1, y0, y1 = xs[right - 1], xs[right], ys[right - 1], ys[right]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def series_loss(rated: float, rte: float, idle: float) -> float:
    """Return the loss per power squared (1/kW) of a store or converter.

    Args:
        rated: rated power in kW.
        rte: round trip efficiency at that power in percent; 0 is without losses.
        idle: what it loses at no load in kW.
    """
    if rte <= 0 or rated <= 0:
        return 0.0
    return max(0.0, (rated * (1 / math.sqrt(rte / 100) - 1) - idle) / rated**2)


def power_for(total: float, idle: float, series: float) -> float:
    """Return the power p for which p and its losses, idle + series * p^2, are `total`."""
    rest = total - idle
    if series <= 0:
        return rest
    # The stable form: series may be tiny.
    return 2 * rest / (1 + math.sqrt(max(0.0, 1 + 4 * series * rest)))


def power_factor(p: float, q: float) -> float:
    """Return cos phi with the IEEE sign: negative when p and q have the same sign; 1 without power."""
    s = math.hypot(p, q)
    if s == 0:
        return 1.0
    return -abs(p) / s if p * q > 0 else abs(p) / s


def reactive_for(p: float, pf: float) -> float:
    """Return q for a power factor with the IEEE sign; 0 for a factor of 0, which no active power has."""
    if pf == 0:
        return 0.0
    q = p * math.sqrt(max(0.0, 1 - pf * pf)) / abs(pf)
    return q if pf < 0 else -q


def charged(soc: float) -> float:
    """Return a state of charge within 0 and 100 %; what rounding leaves beside these is empty, or full.

    A store with the last 1e-20 % has nothing to give, and must not say that it has.
    """
    if soc < _NOTHING:
        return 0.0
    return 100.0 if soc > 100 - _NOTHING else soc


def clamp(value: float, low: float, high: float) -> float:
    """Return the value within low and high."""
    return low if value < low else high if value > high else value
