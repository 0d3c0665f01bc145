"""DumpConfig: the whole map, as a file that can be loaded."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function


@function("DumpConfig")
def dump_config(call: Call) -> None:
    """Write the map to the engine's dump; the parameter result tells where, or what failed. False does nothing."""
    if call.value is False or call.value == 0:
        return
    if call.engine.dumps is None:
        raise ValueError("this engine has nowhere to write to")
    call.engine.dumps.begin(call.variable)
