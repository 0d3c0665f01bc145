"""`Ratings`: what a PCS is built for; what a file does not say follows from the rest (engine.md 4.5, step 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Rating(StrEnum):
    """The names that configurations give the four ratings; a PCS tells them with ``_HW``, a person with ``_Config``."""

    DISCHARGE = "MaxPCSDischargePower"
    CHARGE = "MaxPCSChargePower"
    REACTIVE = "MaxPCSReactivePower"
    APPARENT = "RatedApparentPower"


# The power factor at which the active power is reached, where only the apparent power is known, or the reverse.
DEFAULT_POWER_FACTOR: Final = 0.75


@dataclass(frozen=True, slots=True)
class Ratings:
    """Four numbers of 0 or more, whatever the sign in which they were given: kW, kW, kvar, kVA."""

    discharge: float
    charge: float
    reactive: float
    apparent: float


def ratings(given: Mapping[Rating, float | None], power_factor: float = DEFAULT_POWER_FACTOR) -> Ratings:
    """Return the ratings of a PCS.

    Args:
        given: those that are configured; ``None`` is one that is not known now. It is 0 then, and so is what would
            have to be derived from it: nothing is ever taken for unlimited.
        power_factor: from above 0 to 1.

    Raises:
        ValueError: such a power factor cannot be.
    """
    if not 0 < power_factor <= 1:
        raise ValueError(f"power factor: expected a number above 0, up to 1, got {power_factor}")
    known = {rating: 0.0 if value is None else abs(value) for rating, value in given.items()}
    unknown = {rating for rating, value in given.items() if value is None}
    powers = [known[side] for side in (Rating.DISCHARGE, Rating.CHARGE) if side in known]
    active = max(powers, default=None)
    reactive, apparent = known.get(Rating.REACTIVE), known.get(Rating.APPARENT)
    if unknown:
        # What is missing beside something that is not valid cannot be told.
        return Ratings(*(known.get(rating, 0.0) for rating in Rating))
    if active is None:
        active = _third(apparent, reactive) if apparent is not None and reactive is not None else None
    if apparent is None and active is not None:
        apparent = active / power_factor if reactive is None else math.hypot(active, reactive)
    if apparent is None:
        apparent = reactive or 0.0
    if active is None:
        active = apparent * power_factor if reactive is None else 0.0
    if reactive is None:
        reactive = _third(apparent, active)
    return Ratings(known.get(Rating.DISCHARGE, active), known.get(Rating.CHARGE, active), reactive, apparent)


def _third(apparent: float, other: float) -> float:
    return math.sqrt(max(0.0, apparent * apparent - other * other))
