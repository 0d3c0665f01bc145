"""HandlePowerLimit: what tables over state of charge and temperature leave of a battery's power (engine.md 3.6)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.functions.table_lookup import lookup_table
from ess_bus.engine.inputs import as_number, asset_name, is_enabled, number_named, put_result, setting, target
from ess_bus.engine.power.sources import CHARGE_FACTOR, DISCHARGE_FACTOR, LIMITS
from ess_bus.reference import Reference

# Option with the name of the table -> the factor that it gives.
_FACTORS: Final = {"pChargeTbl": CHARGE_FACTOR, "pDischargeTbl": DISCHARGE_FACTOR}
# The hottest and the coldest cell: the one that allows less counts.
_TEMPERATURES: Final = ("MaxCellTemp", "MinCellTemp")


@function("HandlePowerLimit", takes_invalid=True)
def handle_power_limit(call: Call) -> None:
    """Read the tables pChargeTbl and pDischargeTbl and write the factors by which HandlePowerCmd lowers the limits.

    They are ``/limits/<bms>:ChargeFactor`` and ``DischargeFactor``, not valid where an input is not.
    """
    if not is_enabled(call):
        return
    bms = asset_name(call, "bms", "bms")
    tables = {factor: setting(call, option, None) for option, factor in _FACTORS.items()}
    if not any(tables.values()):
        raise ValueError("expected pChargeTbl or pDischargeTbl, the name of a table's file")
    for factor, table in tables.items():
        if table is None:
            continue
        result = None
        try:
            result = _factor(call._replace(asset=bms), table)
        finally:
            put_result(call.engine, Reference(f"/{LIMITS}/{bms}", factor), result, "is computed by HandlePowerLimit")


def _factor(call: Call, name: object) -> float | None:
    table = lookup_table(call.engine, name)
    soc = number_named(call, "soc", "SOC")
    given = call.parameter("temperature", list(_TEMPERATURES))
    temperatures = [_temperature(call, one) for one in (given if isinstance(given, list) else [given])]
    known = [one for one in temperatures if one is not None]
    if soc is None or not known or len(known) < len(temperatures):
        return None
    return min(table.at(soc, one) for one in known)


def _temperature(call: Call, name: object) -> float | None:
    if not isinstance(name, str):
        raise ValueError(f"temperature: expected the name of a variable, got {str(name)[:40]!r}")
    return as_number(call.engine.read(target(call, name)))
