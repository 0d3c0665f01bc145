"""`Pending`: the place where the outcome of a request will be."""

from __future__ import annotations

from collections.abc import Callable

from ess_bus.errors import BusError
from ess_bus.message import Message


class Pending:
    """Waits for exactly one outcome: a reply, an error, or ``None`` for a plain acknowledgement.

    Attributes:
        what: the request in words, for error texts.
        uri: where the request went; empty for what only concerns the broker.
        when_done: called once the outcome is there.
    """

    __slots__ = ("done", "key", "outcome", "uri", "what", "when_done")

    def __init__(self, key: str, what: str, uri: str = "") -> None:
        self.key = key
        self.what = what
        self.uri = uri
        self.done = False
        self.outcome: Message | BusError | None = None
        self.when_done: Callable[[], None] | None = None

    def resolve(self, outcome: Message | BusError | None) -> None:
        """Set the outcome."""
        self.done = True
        self.outcome = outcome
        if self.when_done is not None:
            self.when_done()

    def result(self) -> Message | None:
        """Return the reply, or raise the error."""
        if isinstance(self.outcome, BusError):
            raise self.outcome
        return self.outcome
