"""Whether a variable's own parameters let its actions and functions run."""

from __future__ import annotations

from typing import Any, Protocol

from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference


class Host(Protocol):
    """What must be known to read a switch."""

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""

    def fail(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once; whoever asked for what is not done now is told, too."""


def is_switched_on(variable: Variable, place: Reference, host: Host) -> bool:
    """Tell whether ``enable`` (a bool, or where one is), if there is one, and otherwise ``enabled`` is on."""
    enable = variable.parameters.get("enable")
    if enable is None:
        return bool(variable.parameters.get("enabled", True))
    return _is_on(enable, place, host) if isinstance(enable, str) else bool(enable)


def switch_elsewhere(variable: Variable, place: Reference, host: Host) -> bool | None:
    """Tell whether the switch that ``enable`` names is on, ``None`` where it names none."""
    enable = variable.parameters.get("enable")
    return _is_on(enable, place, host) if isinstance(enable, str) else None


def _is_on(switch: str, place: Reference, host: Host) -> bool:
    """Tell whether a switch is on; one that is not valid is off: nobody has allowed anything."""
    try:
        return bool(host.read(Target.parse(switch)))
    except ValueError as error:
        host.fail(f"{place} enable", f"{place}: enable: {error}; it is off")
        return False
