"""`Statistics`: what the broker counts, so that nothing is lost without a trace."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Statistics:
    """Counters since the broker started.

    Attributes:
        messages: messages received from clients, replies included.
        deliveries: copies handed to clients that can handle them (passive listeners not counted).
        dropped: copies lost because a client did not read; each client is told its own number.
        undelivered: commands that reached nobody; each sender was told.
        pubs_unheard: pubs that nobody had subscribed to.
        replies_unclaimed: replies to a URI that nobody waits on any more.
        protocol_errors: frames that were not understood.
    """

    messages: int = 0
    deliveries: int = 0
    dropped: int = 0
    undelivered: int = 0
    pubs_unheard: int = 0
    replies_unclaimed: int = 0
    protocol_errors: int = 0
