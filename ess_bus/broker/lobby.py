"""`Lobby`: frames of connections that have not said hello.

After a broker restart a client does not know at once that it is unknown here. What it sends meanwhile is kept until its
hello arrives, and handled then, in order; what nobody claims within a few seconds is dropped and counted. That does not
wait for the receivers: a command whose owner has not come back yet is reported as not delivered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_PEERS: Final = 512
MAX_FRAMES: Final = 1000
MAX_BYTES: Final = 1 << 20
PATIENCE_S: Final = 5.0


@dataclass(slots=True)
class _Guest:
    since: float
    frames: list[bytes] = field(default_factory=list)
    size: int = 0


class Lobby:
    """Bounded in connections, frames and bytes; `dropped` counts what did not fit or was never claimed."""

    def __init__(self) -> None:
        self._guests: dict[bytes, _Guest] = {}
        self.dropped = 0

    def admit(self, peer: bytes, frame: bytes, now: float) -> bool:
        """Keep `frame`; return whether this is the first that was heard of `peer`."""
        guest = self._guests.get(peer)
        is_new = guest is None
        if guest is None:
            if len(self._guests) >= MAX_PEERS:
                self.dropped += 1
                return False
            guest = self._guests[peer] = _Guest(now)
        if len(guest.frames) >= MAX_FRAMES or guest.size + len(frame) > MAX_BYTES:
            self.dropped += 1
        else:
            guest.frames.append(frame)
            guest.size += len(frame)
        return is_new

    def release(self, peer: bytes) -> list[bytes]:
        """Return the frames of a peer that is known now."""
        guest = self._guests.pop(peer, None)
        return guest.frames if guest else []

    def expire(self, now: float) -> list[bytes]:
        """Drop who has waited too long; return the peers that are still here, to be asked again."""
        for peer, guest in list(self._guests.items()):
            if now - guest.since > PATIENCE_S:
                self.dropped += len(guest.frames)
                del self._guests[peer]
        return list(self._guests)
