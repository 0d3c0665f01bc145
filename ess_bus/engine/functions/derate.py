"""DeratePower, DerateRack: a factor that falls while currents are too large (engine.md 4.5)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import Call, Engine, function
from ess_bus.engine.inputs import ABSENT, as_number, asset_name, is_enabled, put_result, usual, value_of
from ess_bus.engine.power.derating import Derating, Steps
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference

_DERATE: Final = "Derate"
_USUAL: Final = Steps()


@function("DeratePower", takes_invalid=True)
def derate_power(call: Call) -> None:
    """Lower /status/<pcs>:Derate while the PCS is Running and the battery's currents are over their thresholds."""
    pcs, bms = asset_name(call, "pcs", "pcs"), asset_name(call, "bms", "bms")
    _derate(call, Reference(f"/status/{pcs}", _DERATE), pcs, bms)


@function("DerateRack", takes_invalid=True)
def derate_rack(call: Call) -> None:
    """Lower the asset's own Derate while the PCS is Running and the asset's currents are over their thresholds."""
    _derate(call, Reference(f"/status/{call.asset}", _DERATE), asset_name(call, "pcs", "pcs"), call.asset)


def _derate(call: Call, place: Reference, pcs: str, watched: str) -> None:
    engine = call.engine
    if not is_enabled(call):
        return
    value = value_of(engine, place)
    if value is ABSENT:
        engine.put(place, value := 1)
    if value_of(engine, usual(engine, "status", pcs, "SystemState"), None) != "Running":
        return
    variable = engine.find(place.table, place.name)
    # Nobody knows how far it had fallen when it is not valid: it recovers from 0.
    factor = min(max(as_number(value) or 0.0, 0.0), 1.0)
    derating = call.variable.memory.setdefault(_DERATE, Derating())
    over, far_over = _flag(engine, watched, "D1"), _flag(engine, watched, "D2")
    factor = derating.step(factor, over, far_over, _steps(variable), engine.steady_s)
    put_result(engine, place, factor, "is computed by DeratePower, or DerateRack")


def _flag(engine: Engine, asset: str, level: str) -> bool | None:
    """Return whether the current is over a threshold in either direction, ``None`` if that is not known."""
    names = (f"OverCurrent{level}", f"UnderCurrent{level}")
    found = [value_of(engine, usual(engine, "status", asset, name)) for name in names]
    there = [value for value in found if value is not ABSENT]
    if any(there):
        return True
    return None if not there or None in there else False


def _steps(variable: Variable | None) -> Steps:
    """Return the parameters of the factor's own variable."""
    given = {} if variable is None else variable.parameters
    numbers = []
    for name, default in (("Decrement", _USUAL.decrement), ("Increment", _USUAL.increment), ("Hold", _USUAL.hold_s)):
        number = as_number(given.get(name, default))
        if number is None or number < 0:
            raise ValueError(f"{_DERATE}@{name}: expected a number of 0 or more, got {str(given.get(name))[:40]!r}")
        numbers.append(number)
    return Steps(*numbers)
