"""One power for two sides with a battery each, so that the fuller one gives more and takes less (engine.md 4.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ess_bus.engine.signals.ramp import ramp


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one side; ``None`` is not known.

    Attributes:
        voltage: of its battery, in V.
        energy: in its battery, in kWh.
        charge, discharge: what it can take and give, in kW and either sign; not known is nothing.
    """

    voltage: float | None
    energy: float | None
    charge: float | None
    discharge: float | None


@dataclass(frozen=True, slots=True)
class Balancing:
    """How strongly sides are balanced.

    Attributes:
        scale, threshold_v: a difference of `threshold_v` moves the share by `scale`.
        deadband_v: a smaller difference is none.
        least_current: below it, in A, voltages say nothing about who is fuller.
        within_s: in so long the share may go from one end to the other.
        most_difference: between the two powers, in kW.
    """

    scale: float = 0.7
    threshold_v: float = 50.0
    deadband_v: float = 0.0
    least_current: float = 0.0
    within_s: float = 15.0
    most_difference: float = math.inf


def wanted_correction(a: Side, b: Side, current: float | None, how: Balancing) -> float:
    """Return by how much of the power A should give more, or take less, than its share; 0 where that is not known."""
    if a.voltage is None or b.voltage is None or current is None or abs(current) < how.least_current:
        return 0.0
    difference = a.voltage - b.voltage
    if abs(difference) <= how.deadband_v or how.threshold_v <= 0:
        return 0.0
    return min(max(how.scale * difference / how.threshold_v, -1.0), 1.0)


def moved(correction: float, wanted: float, passed_s: float, how: Balancing) -> float:
    """Return the correction after some time on its way to the wanted one."""
    return wanted if how.within_s <= 0 else ramp(correction, wanted, 1 / how.within_s, passed_s)


def share_of_a(power: float, a: Side, b: Side, correction: float) -> float:
    """Return which part of a power, 0 to 1, is for A: by energy where that is known, else half, and the correction."""
    base = 0.5
    if a.energy is not None and b.energy is not None and a.energy >= 0 and b.energy >= 0 and a.energy + b.energy > 0:
        base = (a.energy if power >= 0 else b.energy) / (a.energy + b.energy)
    return min(max(base + (correction if power >= 0 else -correction), 0.0), 1.0)


def split(power: float | None, share: float, a: Side, b: Side, how: Balancing) -> tuple[float, float]:
    """Return the powers of A and B, each within its limits and not further apart than allowed.

    What one side cannot do the other one does, as far as it can. A power that is not valid is 0.
    """
    total = abs(power or 0.0)
    sign = math.copysign(1.0, power or 0.0)
    first, second = _most(a, sign), _most(b, sign)
    apart = how.most_difference / 2
    for_a = min(max(total * share, total / 2 - apart), total / 2 + apart, total, first)
    for_b = min(total - for_a, second)
    for_a = min(total - for_b, first)
    for_a, for_b = min(for_a, for_b + how.most_difference), min(for_b, for_a + how.most_difference)
    return sign * for_a, sign * for_b


def _most(side: Side, sign: float) -> float:
    if sign < 0:
        return abs(side.charge or 0.0)
    return max(side.discharge or 0.0, 0.0)
