"""`Returning`: commands that nobody can receive just after a restart of the broker: their owners are on their way.

A broker learns from the first hello that names an earlier broker that it was restarted. For a moment from then on, a
command without a receiver is kept: its owner is most likely coming back, and "no one is listening" would be wrong. Who
does come is handed what was kept for it; for the rest the senders are told when the moment is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ess_bus.broker.clients import Client

if TYPE_CHECKING:
    from ess_bus.broker.gate import Ticket

GRACE_S: Final = 3.0
MAX_FRAMES: Final = 10_000
MAX_BYTES: Final = 16 << 20


class Command(NamedTuple):
    """A command or a reply on its way through the broker; `ticket` is what the gate knows of it, if there is one."""

    sender: Client
    frame: bytes
    verb: str
    uri: str
    ticket: Ticket | None = None


class Returning:
    """Bounded in time, frames and bytes."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._kept: list[Command] = []
        self._size = 0

    def notice(self, now: float) -> None:
        """A client says that it was with an earlier broker."""
        if self._until is None:
            self._until = now + GRACE_S

    def keep(self, command: Command, now: float) -> bool:
        """Keep a command without a receiver if the moment is not over and there is room; return whether it is kept."""
        if self._until is None or now > self._until:
            return False
        if len(self._kept) >= MAX_FRAMES or self._size + len(command.frame) > MAX_BYTES:
            return False
        self._kept.append(command)
        self._size += len(command.frame)
        return True

    def release(self) -> list[Command]:
        """Return what is kept, in order, to be tried again."""
        kept, self._kept, self._size = self._kept, [], 0
        return kept

    def is_over(self, now: float) -> bool:
        """Tell whether something is kept that need not be any longer."""
        return bool(self._kept) and self._until is not None and now > self._until
