"""A ramp: how far a value may move in some time (engine.md 3.6 SlewVal, 5.3 getSlew)."""

from __future__ import annotations


def ramp(here: float, wanted: float, rate: float, passed_s: float) -> float:
    """Return where a value is after some time on its way to what is wanted.

    Args:
        here: where it is.
        wanted: where it shall be.
        rate: by how much it may move in a second, 0 or more.
        passed_s: 0 or more.
    """
    step = rate * passed_s
    return wanted if abs(wanted - here) <= step else here + step if wanted > here else here - step
