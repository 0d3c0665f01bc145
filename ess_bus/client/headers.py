"""`Headers`: what the headers of arriving messages say, and who wants what comes with them; each is read once."""

from __future__ import annotations

from typing import Final

from ess_bus.client.inbox import Inbox
from ess_bus.client.inboxes import Inboxes
from ess_bus.errors import ProtocolError
from ess_bus.message import METHODS, REPLY_VERB, Repetition, split_header

# Headers that are remembered.
CACHE_SIZE: Final = 10_000

# The verb, the URI, what the last message with this header said, and the inboxes that want it.
Header = tuple[str, str, Repetition, tuple[Inbox, ...]]


class Headers:
    """A bounded memory of headers, which holds until subscriptions change.

    Attributes:
        known: header -> what it says. The client's hottest lines look into it themselves.
    """

    def __init__(self, inboxes: Inboxes) -> None:
        self._inboxes = inboxes
        self.known: dict[bytes, Header] = {}

    def forget(self) -> None:
        """Subscriptions have changed."""
        self.known.clear()

    def read(self, frame: bytes, end: int) -> Header:
        """Read a header that is seen for the first time; those of replies are used once and not remembered.

        Raises:
            ProtocolError: it is not the header of a message.
        """
        if end < 0:
            raise ProtocolError("a frame without a NUL")
        head = frame[:end]
        verb, where = split_header(head)
        if verb not in METHODS and verb != REPLY_VERB:
            raise ProtocolError(f"unknown verb {verb[:20]!r}")
        header = verb, where, Repetition(), self._inboxes.wanting(verb, where)
        if verb != REPLY_VERB:
            if len(self.known) >= CACHE_SIZE:
                self.known.clear()
            self.known[head] = header
        return header
