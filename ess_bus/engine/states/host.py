"""`Host`: what a machine needs of those who run it: the time, commands, other machines, and ears for what happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ess_bus.engine.alarms import ListKind
from ess_bus.engine.severity import Severity
from ess_bus.reference import Reference

if TYPE_CHECKING:
    from ess_bus.engine.states.machine import Machine


class Host(Protocol):
    """What a machine needs of those who run it."""

    @property
    def now_s(self) -> float:
        """The wall clock, in seconds since 1970."""

    @property
    def steady_s(self) -> float:
        """The steady clock, in seconds."""

    def put(self, place: Reference, value: Any) -> None:
        """Set a variable, with all that follows."""

    def machine(self, asset: str) -> Machine:
        """Return the machine of an asset."""

    def tell(self, asset: str, text: str, severity: Severity) -> None:
        """Tell people of something that has happened."""

    def list_message(self, asset: str, kind: ListKind, text: str) -> None:
        """Put a message into the list of alarms or faults of an asset."""

    def take_back(self, asset: str, kind: ListKind) -> None:
        """Take the machine's own messages out of a list."""
