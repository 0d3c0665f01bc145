"""`ZmqTransport`: a DEALER socket to the broker's ROUTER."""

from __future__ import annotations

from typing import Final

import zmq

from ess_bus.errors import Disconnected

# Frames waiting in one direction before `send` says no, or before the broker is slowed down.
QUEUE_LENGTH: Final = 1000


# A context that is collected while its socket is open waits for ever; one that nobody closed is kept instead.
_open_contexts: Final[set[zmq.Context[zmq.Socket[bytes]]]] = set()


class ZmqTransport:
    """Connects in the background and reconnects with growing, jittered pauses of at most a second.

    Raises:
        Disconnected: nothing can ever be reached at this endpoint.
    """

    # libzmq reconnects without a word.
    losses = 0

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context(io_threads=1)
        _open_contexts.add(self._context)
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.sndhwm = self._socket.rcvhwm = QUEUE_LENGTH
        # Without a connection nothing is queued: a command must not be carried out long after it was given up.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 20)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 1000)
        self._socket.setsockopt(zmq.HEARTBEAT_IVL, 1000)
        self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 3000)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.ipv6 = "[" in endpoint
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise Disconnected(f"bad bus {endpoint!r}: {error.strerror.lower()}") from None

    def send(self, frame: bytes) -> bool:
        """See `Transport.send`."""
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def receive(self) -> bytes | None:
        """See `Transport.receive`."""
        try:
            return self._socket.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None

    def wait(self, timeout_s: float, *, writable: bool = False) -> None:
        """See `Transport.wait`."""
        self._socket.poll(max(0, int(timeout_s * 1000) + 1), zmq.POLLIN | (zmq.POLLOUT if writable else 0))

    def fileno(self) -> int:
        """See `Transport.fileno`."""
        return int(self._socket.fileno())

    def close(self, linger_s: float = 0.0) -> None:
        """See `Transport.close`."""
        self._socket.close(linger=int(linger_s * 1000))
        self._context.term()
        _open_contexts.discard(self._context)
