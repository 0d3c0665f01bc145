"""`Statistics`: what the broker counts, so that nothing is lost without a trace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Statistics:
    """Counters since the broker started; those of clients are added when a client leaves.

    Attributes:
        messages: messages received from clients, replies included.
        deliveries: copies handed to clients, those that only look on included.
        dropped: copies lost because a client did not read; each client is told its own number.
        undelivered: commands that reached nobody; each sender was told.
        denied: messages and subscriptions that a rule refused; each sender was told.
        pubs_unheard: pubs that nobody had subscribed to.
        replies_unclaimed: replies to a URI that nobody waits on any more.
        protocol_errors: frames that were not understood.
    """

    messages: int = 0
    deliveries: int = 0
    dropped: int = 0
    undelivered: int = 0
    denied: int = 0
    pubs_unheard: int = 0
    replies_unclaimed: int = 0
    protocol_errors: int = 0


class Rates:
    """Messages and deliveries per second, over the time between the last two ticks."""

    def __init__(self, now: float) -> None:
        self._at = now
        self._counted = Statistics()
        self._rates = {"messages_per_s": 0.0, "deliveries_per_s": 0.0}

    def tick(self, totals: Statistics, now: float) -> None:
        """Take the counters once a second."""
        if now > self._at:
            for rate, name in (("messages_per_s", "messages"), ("deliveries_per_s", "deliveries")):
                grown = getattr(totals, name) - getattr(self._counted, name)
                self._rates[rate] = round(grown / (now - self._at), 1)
        self._at, self._counted = now, totals

    def per_second(self) -> dict[str, float]:
        """Return the rates by name."""
        return dict(self._rates)
