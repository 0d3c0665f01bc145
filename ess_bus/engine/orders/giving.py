"""How a function gives a command: to the device that owns the variable, or to the engine's own variable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.actions.effects import Send
from ess_bus.engine.actions.item import Message
from ess_bus.engine.inputs import own
from ess_bus.engine.target import Target
from ess_bus.reference import Reference
from ess_bus.uri import is_under

# Functions import this.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Engine

DEVICES: Final = "/components"
_SET: Final = Message("set")


def give(engine: Engine, place: Reference, value: Any) -> None:
    """Set a variable; one of a device is sent to it, for only its answer says what has become of it.

    Args:
        engine: in which it happens.
        place: the variable, or a link to it.
        value: what is commanded.

    Raises:
        ValueError: the value is not valid, or the variable cannot hold it; nothing was set or sent.
    """
    if value is None:
        raise ValueError(f"{place}: a value that is not valid is no command")
    target = own(engine, place)
    if is_under(target.table, DEVICES):
        engine.send_value(Send(Target(target), value, _SET))
    else:
        engine.put(target, value)


def same(value: Any, commanded: Any) -> bool:
    """Tell whether a variable shows what was commanded; true and 1 are the same, what is not valid is nothing."""
    if value is None or commanded is None:
        return False
    if isinstance(value, int | float) and isinstance(commanded, int | float):
        return abs(value - commanded) <= _TOLERANCE
    return type(value) is type(commanded) and bool(value == commanded)


# Registers are scaled; that of `inValue` of actions.
_TOLERANCE: Final = 0.001
