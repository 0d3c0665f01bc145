"""`Dispatch`: what a burst has made due, to whom it goes, and who lags."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ess_bus.broker.clients import Client
from ess_bus.broker.outbox import Delivery, Outbox, Promise
from ess_bus.control import Verb

log = logging.getLogger(__name__)


class Dispatch:
    """The outboxes that have something to send.

    Args:
        is_here: tells whether a client is still connected.
        forget: called with a client whose connection is closed.

    Attributes:
        due: outboxes with something in this burst. The broker's hottest lines add to it themselves.
    """

    def __init__(self, is_here: Callable[[Client], bool], forget: Callable[[Client], None]) -> None:
        self._is_here, self._forget = is_here, forget
        # Those that keep something back for a client that lags.
        self._lagging: set[Outbox] = set()
        self.due: list[Outbox] = []

    @property
    def is_holding(self) -> bool:
        """Whether something waits for a client that lags, so that `retry` has something to do."""
        return bool(self._lagging)

    def pressure(self, now: float) -> float:
        """Return how near to a loss the slowest of the clients is that do read: from 0 to 1."""
        return max((outbox.pressure(now) for outbox in self._lagging), default=0.0)

    def promise(self, outbox: Outbox, promise: Promise) -> None:
        """Put a command into this burst; its sender will be told if it cannot be handed over."""
        self._mark(outbox)
        outbox.promise(promise)

    def offer(self, outbox: Outbox, frame: bytes) -> None:
        """Put a message that nobody was promised into this burst, unless its receiver has too many to read already."""
        if outbox.is_full:
            outbox.lose(1)
        else:
            self._mark(outbox)
            outbox.due.append(frame)

    def tell(self, client: Client, verb: Verb, *fields: object) -> None:
        """Put a control frame into this burst."""
        self._mark(client.outbox)
        client.outbox.tell(verb, *fields)

    def flush(self, now: float) -> None:
        """Send what this burst has made due."""
        while self.due:
            all_due, self.due = self.due, []
            for outbox in all_due:
                self.flush_one(outbox, now)

    def retry(self, now: float) -> None:
        """Try again to send what waits for clients that lag."""
        for outbox in list(self._lagging):
            self.flush_one(outbox, now)
        self.flush(now)

    def confirm(self, outbox: Outbox, number: int, now: float) -> None:
        """Take a client's pong, and send what it makes room for."""
        outbox.confirm(number, now)
        if outbox in self._lagging:
            self.flush_one(outbox, now)

    def flush_one(self, outbox: Outbox, now: float) -> None:
        """Send what is due to one client."""
        if not self._is_here(outbox.client):
            return
        outcome = outbox.flush(now)
        if outcome is Delivery.FULL:
            self._lagging.add(outbox)
        elif outcome is Delivery.SENT:
            self._lagging.discard(outbox)
        else:
            log.debug("%s is gone", outbox.client.name)
            self._forget(outbox.client)

    def drop(self, outbox: Outbox) -> None:
        """A client is forgotten."""
        self._lagging.discard(outbox)

    def _mark(self, outbox: Outbox) -> None:
        if not outbox.due:
            self.due.append(outbox)
