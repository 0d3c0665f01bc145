"""`Limits`: what one client may cost the broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ess_bus import batch
from ess_bus.uri import MAX_LENGTH

# Room for the header and the tail's small fields on top of the largest body.
_OVERHEAD: Final = 4096
# The most that a subscription adds to a control frame, beside its URI.
_SUBSCRIPTION_OVERHEAD: Final = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that a site may set; docs/wire.md, section 7, says what happens at each of them.

    Attributes:
        max_message: the largest message in bytes; clients are told and refuse larger ones themselves.
        queue_messages: how many messages may wait in the broker for one client.
        queue_bytes: how many bytes may.
        window_bytes: how much may be on its way to a client that has not confirmed it yet.
        stalled_after_s: how long a client may take nothing of what waits for it before it is disconnected.
        subscriptions: how many subscriptions a client may have.
    """

    max_message: int = 16 << 20
    queue_messages: int = 65_536
    queue_bytes: int = 64 << 20
    window_bytes: int = 4 << 20
    stalled_after_s: float = 60.0
    subscriptions: int = 10_000

    @property
    def max_frame(self) -> int:
        """The largest frame in bytes that a listener takes; whoever sends a larger one loses its connection.

        However small the messages of a site are to be, its clients send batches and lists of subscriptions.
        """
        lists = self.subscriptions * (MAX_LENGTH + _SUBSCRIPTION_OVERHEAD)
        return max(self.max_message, 2 * batch.FULL_BYTES, lists) + _OVERHEAD
