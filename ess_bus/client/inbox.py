"""`Inbox`: the messages of one subscription that the program has not taken yet."""

from __future__ import annotations

from collections import deque
from typing import Final

from ess_bus.control import Mode, Subscriptions
from ess_bus.message import Message
from ess_bus.uri import is_under

DEFAULT_SIZE: Final = 100_000


class Inbox:
    """Bounded: a message that does not fit pushes out the oldest, which is counted.

    Attributes:
        modes: what is subscribed to, and how.
        messages: what waits for the program.
        size: how many may wait.
        dropped: how many were pushed out.
    """

    __slots__ = ("dropped", "messages", "modes", "size")

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self.modes: Subscriptions = {}
        self.messages: deque[Message] = deque()
        self.size = size
        self.dropped = 0

    def wants(self, verb: str, uri: str) -> bool:
        """Tell whether a message belongs here."""
        return any(
            (mode is not Mode.PUB_ONLY or verb == "pub") and is_under(uri, prefix)
            for prefix, mode in self.modes.items()
        )

    def handles(self, uri: str) -> bool:
        """Tell whether requests to `uri` are handled here, and not only looked at."""
        return any(mode is Mode.ALL and is_under(uri, prefix) for prefix, mode in self.modes.items())

    def push(self, message: Message) -> Message | None:
        """Add a message; return the one that had to go for it, if any."""
        lost = None
        if len(self.messages) >= self.size:
            lost = self.messages.popleft()
            self.dropped += 1
        self.messages.append(message)
        return lost


def merged(inboxes: list[Inbox]) -> Subscriptions:
    """Return what the broker must send so that every inbox gets what it wants."""
    found: Subscriptions = {}
    for inbox in inboxes:
        for uri, mode in inbox.modes.items():
            known = found.setdefault(uri, mode)
            if known is not mode:
                # Pubs and a look at the rest is the whole again; and what somebody handles, nobody only looks at.
                found[uri] = Mode.ALL if Mode.ALL in (known, mode) else Mode.PASSIVE
    return found
