"""What actions look at and who does what they say: they do not change anything themselves (engine.md 2.6)."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from ess_bus.engine.actions.item import Message
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable


class Send(NamedTuple):
    """Send a message that carries the value to the target's URI."""

    target: Target
    value: Any
    message: Message


class Call(NamedTuple):
    """Call a function for an asset, with a variable: that of the action, or the one that is named.

    Attributes:
        value: what it was called for.
    """

    function: str
    asset: str | None
    on: Target | None
    value: Any


class World(Protocol):
    """What actions look at."""

    now_s: float

    def read(self, target: Target) -> Any:
        """Return a value, parameter or bit; ``None`` if it is not valid or not there."""

    def find(self, table: str, name: str) -> Variable | None:
        """Return a variable, or ``None``."""

    def warn(self, mistake: str, text: str) -> None:
        """Log a mistake of the configuration, once."""


class Doer(Protocol):
    """Does what an action says, at once: a ``remap`` behind ``limits`` copies what these have left."""

    def write(self, source: Variable, target: Target, value: Any, direct: bool = False, forced: bool = False) -> None:
        """Set a variable, a parameter or a bit.

        Args:
            source: whose action it is.
            target: what is set.
            value: to what.
            direct: without running the target's actions.
            forced: run them as if its value had changed.
        """

    def clamp(self, source: Variable, value: Any) -> None:
        """Give the variable itself another value; nothing follows from that."""

    def send(self, send: Send) -> None:
        """Send a message."""

    def call(self, source: Variable, call: Call) -> None:
        """Call a function."""
