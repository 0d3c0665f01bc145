"""What of a wanted active and reactive power may be commanded (engine.md 4.5, steps 2 to 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ess_bus.engine.power.ratings import Ratings

# A wish that is closer to its limit than this is not limited, in kW and kvar.
_NOISE: Final = 1e-8


class Priority(StrEnum):
    """Which of the two keeps its value where both together would be too much apparent power."""

    ACTIVE = "P"
    REACTIVE = "Q"


@dataclass(frozen=True, slots=True)
class Capability:
    """What is possible now.

    Attributes:
        discharge: 0 or more, in kW.
        charge: 0 or less, in kW.
        reactive: either sign, up to this, in kvar.
        apparent: up to this, in kVA.
    """

    discharge: float
    charge: float
    reactive: float
    apparent: float


@dataclass(frozen=True, slots=True)
class Limited:
    """What may be commanded, and which of the wishes could not be met in full."""

    active: float
    reactive: float
    discharge_limited: bool = False
    charge_limited: bool = False
    positive_reactive_limited: bool = False
    negative_reactive_limited: bool = False


def capability(rated: Ratings, charge_limit: float | None, discharge_limit: float | None) -> Capability:
    """Return what a PCS may do with a battery.

    Args:
        rated: of the PCS.
        charge_limit: of the battery in kW, in either sign; ``None``: not known, nothing may be charged.
        discharge_limit: of the battery in kW; ``None``, and less than 0: nothing may be discharged.
    """
    discharge = min(rated.discharge, max(discharge_limit or 0.0, 0.0))
    charge = 0.0 - min(rated.charge, abs(charge_limit or 0.0))
    reactive = min(rated.reactive, rated.apparent)
    # That a full battery cannot be charged does not make less of what it can discharge: the larger side counts.
    apparent = min(rated.apparent, math.hypot(max(discharge, -charge), reactive))
    return Capability(discharge, charge, reactive, apparent)


def limit(active: float | None, reactive: float | None, able: Capability, priority: Priority) -> Limited:
    """Return the closest power that stays within every limit; a wish that is not valid is one for 0."""
    wanted_p, wanted_q = active or 0.0, reactive or 0.0
    p = min(max(wanted_p, able.charge), able.discharge)
    q = min(max(wanted_q, -able.reactive), able.reactive)
    if math.hypot(p, q) > able.apparent:
        if priority is Priority.REACTIVE:
            q = _cut(q, able.apparent)
            p = _cut(p, _beside(q, able.apparent))
        else:
            p = _cut(p, able.apparent)
            q = _cut(q, _beside(p, able.apparent))
    return Limited(
        p,
        q,
        discharge_limited=wanted_p - p > _NOISE,
        charge_limited=p - wanted_p > _NOISE,
        positive_reactive_limited=wanted_q - q > _NOISE,
        negative_reactive_limited=q - wanted_q > _NOISE,
    )


def _cut(value: float, most: float) -> float:
    return math.copysign(min(abs(value), most), value)


def _beside(first: float, apparent: float) -> float:
    """Return how much of the other power the apparent power leaves."""
    return math.sqrt(max(0.0, (apparent - abs(first)) * (apparent + abs(first))))
