"""`Transport`: the seam between a client's core and the wire. Frames in, frames out, nothing of their meaning."""

from __future__ import annotations

from typing import Protocol


class Transport(Protocol):
    """A connection that restores itself; one thread uses it."""

    @property
    def losses(self) -> int:
        """How often a connection was lost, as far as that can be known."""

    def send(self, frame: bytes) -> bool:
        """Hand over a frame without waiting; ``False`` if there is no connection or its queue is full."""

    def receive(self) -> bytes | None:
        """Return the next frame that is here, or ``None``; what came after the last `wait` may be left to the next."""

    def wait(self, timeout_s: float, *, writable: bool = False) -> None:
        """Wait until a frame is here (or, if asked for, one can be sent), `timeout_s` seconds at most."""

    def fileno(self) -> int:
        """Return a file descriptor that becomes readable when `receive` or `send` may have become possible.

        It is edge-triggered: after any call of `send` or `receive`, drain again before waiting on it.
        """

    def close(self, linger_s: float = 0.0) -> None:
        """Close; frames that were handed over have `linger_s` seconds to leave."""
