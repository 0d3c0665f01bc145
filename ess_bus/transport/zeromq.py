"""`ZmqTransport`: a DEALER socket to the broker's ROUTER."""

from __future__ import annotations

import contextlib
import random
import time
from typing import TYPE_CHECKING, Final

import zmq

from ess_bus.errors import Disconnected

if TYPE_CHECKING:
    from ess_bus.keys import ClientKeys
    from ess_bus.transport.handshake import HandshakeWatch

# Frames waiting in one direction before `send` says no, or before the broker is slowed down.
QUEUE_LENGTH: Final = 1000
# When to try again after the broker has refused this client: somebody may have added its key.
REFUSED_PAUSE_S: Final = 5.0


# A context that is collected while its socket is open waits for ever; one that nobody closed is kept instead.
_open_contexts: Final[set[zmq.Context[zmq.Socket[bytes]]]] = set()


class ZmqTransport:
    """Connects in the background and reconnects with growing, jittered pauses of at most a second.

    Args:
        endpoint: an ``ipc://`` or ``tcp://`` endpoint.
        keys: CURVE for TCP.

    Raises:
        Disconnected: nothing can ever be reached at this endpoint.
    """

    # libzmq reconnects without a word.
    losses = 0

    def __init__(self, endpoint: str, keys: ClientKeys | None = None) -> None:
        self._endpoint = endpoint
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
        self._watch = _secured(self._socket, keys) if endpoint.startswith("tcp://") else None
        self._redial_at: float | None = None
        self._was_open = False
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise Disconnected(f"bad bus {endpoint!r}: {error.strerror.lower()}") from None

    @property
    def refusal(self) -> str | None:
        """Why the broker does not let this client in; ``None`` as long as it may."""
        return None if self._watch is None else self._watch.refusal

    def send(self, frame: bytes) -> bool:
        """See `Transport.send`."""
        try:
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            if self._watch is not None:
                self._look(self._watch)
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
        events = zmq.POLLIN | (zmq.POLLOUT if writable else 0)
        timeout_ms = max(0, int(timeout_s * 1000) + 1)
        if self._watch is None or self._watch.is_open:
            self._socket.poll(timeout_ms, events)
            return
        poller = zmq.Poller()
        poller.register(self._socket, events)
        poller.register(self._watch.monitor, zmq.POLLIN)
        if self._watch.monitor in dict(poller.poll(timeout_ms)):
            self._look(self._watch)

    def fileno(self) -> int:
        """See `Transport.fileno`."""
        return int(self._socket.fileno())

    def close(self, linger_s: float = 0.0) -> None:
        """See `Transport.close`."""
        if self._watch is not None:
            self._watch.close()
        self._socket.close(linger=int(linger_s * 1000))
        self._context.term()
        _open_contexts.discard(self._context)

    def _look(self, watch: HandshakeWatch) -> None:
        """Go by what became of the handshakes: libzmq either never tries again, or fifty times a second."""
        now = time.monotonic()
        is_refused = watch.look()
        self._was_open = self._was_open or watch.is_open
        if is_refused and self._redial_at is None:
            if self._was_open:  # whoever has just been started is told by an error
                import logging  # not at the top: it costs fims_send a part of its start

                text = "the broker on %s refuses this client now: %s; it is asked again every few seconds"
                logging.getLogger(__name__).error(text, self._endpoint, watch.refusal)
                self._was_open = False
            self._redial_at = now + REFUSED_PAUSE_S * random.uniform(0.5, 1.0)
            with contextlib.suppress(zmq.ZMQError):
                self._socket.disconnect(self._endpoint)
        elif self._redial_at is not None and now >= self._redial_at:
            self._redial_at = None
            self._socket.connect(self._endpoint)


def _secured(socket: zmq.Socket[bytes], keys: ClientKeys | None) -> HandshakeWatch:
    from ess_bus.transport.handshake import HandshakeWatch  # not at the top: ipc, which most use, does without

    if keys is not None:
        socket.curve_publickey, socket.curve_secretkey = keys.own
        socket.curve_serverkey = keys.server
    return HandshakeWatch(socket, keyed=keys is not None)
