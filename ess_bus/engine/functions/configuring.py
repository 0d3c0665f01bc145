"""LoadConfig, LoadServer, runConfig: files of configurations, on command (engine.md 8.2)."""

from __future__ import annotations

from collections.abc import Callable

from ess_bus.engine.functions.registry import Call, function


@function("LoadConfig")
def load_config(call: Call) -> None:
    """Load the file that the variable, or its parameter file, names; the parameter result tells how it went."""
    _later(call, call.engine.configure.load_file)


@function("LoadServer")
def load_server(call: Call) -> None:
    """Make the tables that a Modbus server file serves, of the name in the variable or its parameter file."""
    _later(call, call.engine.configure.load_server)


@function("runConfig")
def run_config(call: Call) -> None:
    """Carry out the list of /config/load that the variable, or its parameter file, names."""
    _later(call, call.engine.configure.run_list)


def _later(call: Call, load: Callable[[str], list[str]]) -> None:
    given = call.parameter("file")
    name = given if isinstance(given, str) and given else call.value
    if not isinstance(name, str) or not name:
        if call.value:  # false, 0 and no text are what such a variable holds at rest
            call.keep(result="expected the name of a file")
            raise ValueError("expected the name of a file, as its value or parameter file")
        return

    def run() -> None:
        try:
            left_out = load(name)
        except ValueError as error:
            call.keep(result=str(error))
            call.engine.fail(f"{call.place} {error}", f"{call.place}: {error}")
        else:
            call.keep(result="; ".join(["ok", *left_out]))

    call.engine.later(run)
