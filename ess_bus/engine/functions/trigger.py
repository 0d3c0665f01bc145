"""TestTriggerFunc: shows that and how often an action has called a function."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.numbers import is_number


@function("TestTriggerFunc")
def trigger(call: Call) -> None:
    """Count the calls in the variable's parameter ``triggered``."""
    count = call.variable.parameters.get("triggered", 0)
    call.engine.put(call.place._replace(parameter="triggered"), (count if is_number(count) else 0) + 1)
