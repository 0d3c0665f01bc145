"""`Client`: what the broker knows of one connection."""

from __future__ import annotations

from dataclasses import dataclass, field

from ess_bus.control import Subscriptions


@dataclass(slots=True, eq=False)
class Client:
    """One connected client; identity is the connection, the name need not be unique.

    Attributes:
        peer: the connection's id, given by the listener.
        since: when it said hello, in seconds of the broker's clock.
        lagging_since: when its queue was first found full, ``None`` while it keeps up.
        dropped_now: messages lost since then; it is told the number when it reads again.
    """

    peer: bytes
    name: str
    user: str
    pid: int
    since: float
    subscriptions: Subscriptions = field(default_factory=dict)
    received: int = 0
    sent: int = 0
    dropped: int = 0
    lagging_since: float | None = None
    dropped_now: int = 0
