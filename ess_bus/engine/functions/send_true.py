"""SendTrue: a fixed `true` to whoever owns the variable."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function


@function("SendTrue")
def send_true(call: Call) -> None:
    """Send a set of true to the variable's URI."""
    call.engine.send("set", call.place.table, {call.place.name: {"value": True}})
