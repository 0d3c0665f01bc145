"""Values that a device might have, for each kind of point; pure.

They follow from the seed and the variable's name alone: the same seed gives the same device, whatever else it has.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

from modbus_bridge.config.model import Kind, Point, ServedPoint

# Most of what a plant measures lies below this, in the unit that it is shown in.
_USUAL: Final = 1000.0
_CHANCE_OF_A_BIT: Final = 0.1
_STEP: Final = 0.01


def value(served: ServedPoint, seed: int) -> Any:
    """Return a value that the point may have."""
    point, random = served.point, Random(f"{seed} {served.uri}/{served.point.id}")
    match point.kind:
        case Kind.BOOL:
            return random.random() < 0.5
        case Kind.ENUM:
            known = [number for number in point.strings if 0 <= number < 1 << point.width]
            return random.choice(known) if known else 0
        case Kind.BIT_FIELD | Kind.INDIVIDUAL_BITS:
            bits = [bit for bit in point.strings if bit < point.width]
            return sum(1 << bit for bit in bits if random.random() < _CHANCE_OF_A_BIT)
        case Kind.TEXT:
            return f"SIM {random.randrange(10_000):04d}"[: 2 * point.size]
        case Kind.NUMBER:
            return _rounded(point, random.uniform(*limits(point)))


def limits(point: Point) -> tuple[float, float]:
    """Return the range of the plausible numbers of a point: within its type, and not beyond what is usual."""
    low, high = -_USUAL if point.signed or point.is_float else 0.0, _USUAL
    if not point.is_float:
        bits = point.width - 1 if point.signed else point.width
        most = float((1 << bits) - 1)
        edges = sorted(edge / float(point.scale or 1) for edge in ((-most if point.signed else 0.0), most))
        low, high = max(edges[0], -_USUAL), min(edges[1], _USUAL)
    return low + point.shift, high + point.shift


def wandered(point: Point, current: float, random: Random) -> float:
    """Return the number a little later: a small step, within the plausible range or as far outside as it was."""
    low, high = limits(point)
    # One that somebody set outside of the range is not torn back into it.
    low, high = min(low, current), max(high, current)
    step = max((high - low) * _STEP, 0.0 if point.is_float else 1 / abs(float(point.scale or 1)))
    return _rounded(point, min(max(current + random.uniform(-step, step), low), high))


def _rounded(point: Point, number: float) -> float:
    return round(number) if point.scale is None and not point.is_float else round(number, 3)
