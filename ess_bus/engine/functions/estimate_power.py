"""EstimatePower: the power limits of a battery that tells its limits as currents (engine.md 3.6)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import amount, is_enabled, number_named, put_result
from ess_bus.engine.power.sources import CHARGE_LIMIT, DISCHARGE_LIMIT, LIMITS
from ess_bus.reference import Reference

# Option -> the variable of the battery that it names, unless it is given.
_VOLTAGE: Final = ("voltage", "BMSVoltage")
_CHARGE: Final = ("chargeCurrent", "MaxBMSChargeCurrent")
_DISCHARGE: Final = ("dischargeCurrent", "MaxBMSDischargeCurrent")
_W_PER_KW: Final = 1000


@function("EstimatePower", takes_invalid=True)
def estimate_power(call: Call) -> None:
    """Write the limits ``/limits/<bms>:ChargePowerLimit`` and ``DischargePowerLimit``: voltage times largest current.

    In kW, of V and A; they are not valid where one of the two is not.
    """
    if not is_enabled(call):
        return
    voltage = number_named(call, *_VOLTAGE)
    scale = amount(call, "scale", _W_PER_KW)
    if scale is None or scale <= 0:
        raise ValueError("scale: expected a number above 0")
    for option, name, sign in ((_CHARGE, CHARGE_LIMIT, -1), (_DISCHARGE, DISCHARGE_LIMIT, 1)):
        current = number_named(call, *option)
        power = None if voltage is None or current is None else sign * abs(current) * max(voltage, 0) / scale
        put_result(call.engine, Reference(f"/{LIMITS}/{call.asset}", name), power, "is computed by EstimatePower")
