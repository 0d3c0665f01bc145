"""Sharing a power that is asked for among several PCS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from ess_bus.engine.numbers import is_number

# The room of a PCS, whichever of these is valid first: what may be used now, then what it is made for.
_DISCHARGE: Final = (
    "MaxDischargePower",
    "MaxPCSDischargePower",
    "MaxPCSDischargePower_HW",
    "MaxPCSDischargePower_Config",
)
_CHARGE: Final = ("MaxChargePower", "MaxPCSChargePower", "MaxPCSChargePower_HW", "MaxPCSChargePower_Config")
_REACTIVE: Final = ("MaxReactivePower", "MaxPCSReactivePower", "MaxPCSReactivePower_HW", "MaxPCSReactivePower_Config")
LIMITS: Final = (*_DISCHARGE, *_CHARGE, *_REACTIVE)
ACTIVE: Final = "ActivePowerSetpoint"
REACTIVE: Final = "ReactivePowerSetpoint"


def shares(power: float, rooms: Sequence[float | None]) -> list[float]:
    """Share a power in proportion to the room of each; who has none, or one that is not known, gets nothing.

    Alone, a PCS gets all: its own limits bound it afterwards.
    """
    if len(rooms) == 1:
        return [power]
    known = [abs(room) if room is not None else 0.0 for room in rooms]
    total = sum(known)
    return [power * room / total if total > 0 else 0.0 for room in known]


def room(name: str, power: float, read: Callable[[str], Any]) -> float | None:
    """Return the room of one PCS for a set point.

    Args:
        name: the set point, `ACTIVE` or `REACTIVE`.
        power: what is asked for, with its sign.
        read: returns one of its limits.
    """
    names = _REACTIVE if name == REACTIVE else _DISCHARGE if power >= 0 else _CHARGE
    return next((float(value) for value in map(read, names) if is_number(value)), None)
