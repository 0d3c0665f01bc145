"""CheckGPIO, GPIOCalcResponse: contacts that are read by a process of their own (engine.md 3.6)."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import as_number, is_enabled, put_if_changed
from ess_bus.engine.links import LINKS
from ess_bus.reference import Reference

_CONTACTS: Final = "/components/gpio"
_FAULT: Final = "gpioFault"


@function("CheckGPIO", takes_invalid=True)
def check_gpio(call: Call) -> None:
    """Set the asset's gpioFault: true if one of its links to /components/gpio is true, not valid if none can tell."""
    if not is_enabled(call):
        return
    engine = call.engine
    linked = [
        engine.find(f"/status/{call.asset}", name) for name in engine.datamap.tables.get(f"{LINKS}/{call.asset}", {})
    ]
    values = [
        variable.value
        for variable in linked
        if variable is not None and variable.places and variable.places[0][0] == _CONTACTS
    ]
    if values:
        fault = True if any(value for value in values if value is not None) else None if None in values else False
        put_if_changed(engine, Reference(f"/status/{call.asset}", _FAULT), fault)


@function("GPIOCalcResponse")
def gpio_calc_response(call: Call) -> None:
    """Show how long ago the time was that the variable holds: ResponseMs, MaxResponseMs, Responses."""
    sent_s = as_number(call.value)
    if sent_s is None or not 0 < sent_s <= call.engine.now_s:
        return
    response_ms = round((call.engine.now_s - sent_s) * 1000, 3)
    call.keep(
        ResponseMs=response_ms,
        MaxResponseMs=max(response_ms, as_number(call.parameter("MaxResponseMs")) or 0.0),
        Responses=int(call.number("Responses", 0)) + 1,
    )
