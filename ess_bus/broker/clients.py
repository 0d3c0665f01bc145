"""`Client`: what the broker knows of one connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from ess_bus.broker.outbox import Outbox
from ess_bus.broker.routes import PubRoutes
from ess_bus.control import Subscriptions

ANONYMOUS: Final = "anonymous"


class Origin(NamedTuple):
    """What the listener knows of a connection, and nobody can claim.

    Attributes:
        address: where it comes from, in words.
        user: who is behind it, ``None`` if there is no proof.
        misfit: says why a command cannot be put into what the connection speaks; ``None`` if it takes every one.
    """

    address: str = ""
    user: str | None = None
    misfit: Callable[[bytes], str | None] | None = None


@dataclass(slots=True, eq=False)
class Client:
    """One connected client; identity is the connection, the name need not be unique.

    Attributes:
        peer: the connection's id, given by the listener.
        since: when it said hello, in seconds of the broker's clock.
        routes: the cache of routes that holds for this client's user.
        received: messages received from it.
    """

    peer: bytes
    name: str
    user: str
    pid: int
    origin: Origin
    since: float
    outbox: Outbox
    routes: PubRoutes
    subscriptions: Subscriptions = field(default_factory=dict)
    received: int = 0

    @property
    def authority(self) -> str:
        """The user that rules and trail go by: proven, or `ANONYMOUS`; never a claim."""
        return self.origin.user or ANONYMOUS

    def __post_init__(self) -> None:
        self.outbox.client = self

    def misfit(self, command: bytes) -> str | None:
        """Return why this client cannot be given a command, ``None`` if it can."""
        return None if self.origin.misfit is None else self.origin.misfit(command)
