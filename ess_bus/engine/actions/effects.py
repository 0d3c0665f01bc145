"""What actions do: they do not change anything themselves, they say what is to be done (engine.md 2.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from ess_bus.engine.actions.item import Message
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable


@dataclass(frozen=True, slots=True)
class Write:
    """Set a variable, a parameter or a bit.

    Attributes:
        direct: without running the target's actions.
        forced: run them as if its value had changed.
    """

    target: Target
    value: Any
    direct: bool = False
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Clamp:
    """Give the variable itself another value; nothing follows from that."""

    value: Any


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message that carries the value to the target's URI."""

    target: Target
    value: Any
    message: Message


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function for an asset, with a variable: that of the action, or the one that is named.

    Attributes:
        value: what it was called for.
    """

    function: str
    asset: str | None
    on: Target | None
    value: Any


Effect = Write | Clamp | Send | Call


class World(Protocol):
    """What actions look at."""

    now_s: float

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""
