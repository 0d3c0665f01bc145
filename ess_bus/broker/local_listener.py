"""`LocalListener`: the broker's Unix socket, a ROUTER of ZeroMQ without libzmq (`ess_bus.transport.zmtp` says why).

It never waits for a client. Its connections are watched by one epoll object, which is what the broker's loop waits on.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import time
from collections import deque
from collections.abc import Container
from typing import Final

from ess_bus import control
from ess_bus.broker.clients import Origin
from ess_bus.broker.identity import peer_of
from ess_bus.broker.limits import Limits
from ess_bus.broker.local_door import LocalDoor
from ess_bus.broker.outbox import Delivery
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError
from ess_bus.transport import zmtp
from ess_bus.transport.local import READ_BYTES, SEND_BUFFER, look

log = logging.getLogger(__name__)

_BYE: Final = control.encode(Verb.BYE)
# A client that has connected says what it is within this time; libzmq and our own do so at once.
HANDSHAKE_S: Final = 5.0
# Larger frames are not copied once more to put their length in front of them.
_COPIED: Final = 16 << 10


class _Connection:
    """One client's socket, what was read of it, and what it has not taken of what it was sent."""

    __slots__ = ("decoder", "needs_room", "origin", "peer", "rest", "since", "socket")

    def __init__(self, peer: bytes, accepted: socket.socket, origin: Origin, largest: int) -> None:
        self.peer, self.socket, self.origin = peer, accepted, origin
        self.decoder = zmtp.Decoder("ROUTER", largest)
        self.rest = memoryview(b"")
        self.needs_room = False
        self.since = time.monotonic()


class LocalListener:
    """Listens at ``ipc://PATH`` and moves frames.

    Args:
        endpoint: ``ipc://PATH``.
        limits: the largest message.
        group: the number of a group whose members may connect too; without it, only this user may.

    Raises:
        Disconnected: a broker is there already, or the path cannot be used.
    """

    def __init__(self, endpoint: str, limits: Limits, group: int | None = None) -> None:
        self.endpoint = endpoint
        self.multipart = 0
        self._largest = limits.max_frame
        self._door = LocalDoor(endpoint, group)
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._connections: dict[bytes, _Connection] = {}
        self._by_descriptor: dict[int, _Connection] = {}
        self._ready: deque[_Connection] = deque()
        # One for all reads: a large block of memory for each leaves the heap full of holes, and it grows.
        self._buffer = memoryview(bytearray(READ_BYTES))
        self._frames: deque[tuple[bytes, list[bytes], Origin | None]] = deque()
        # Connections that are not read for a moment, and until when.
        self._resting: dict[_Connection, float] = {}
        self._number = 0
        self._accepts = False
        self._watch_for_clients()

    def watch(self, descriptor: int) -> None:
        """Let `wait` return when `descriptor` is readable too."""
        self._epoll.register(descriptor, select.EPOLLIN)
        self._watched.add(descriptor)

    def wait(self, timeout_s: float) -> None:
        """Wait until there is something to do."""
        if self._resting:
            timeout_s = min(timeout_s, self._resume())
        if not self._frames and not self._ready:
            self._look(max(0.0, timeout_s))

    def receive(self, _known: Container[bytes] = ()) -> tuple[bytes, list[bytes], Origin | None] | None:
        """Return (peer, frames, origin), or ``None`` if nothing is here."""
        frames = self._frames
        while not frames:
            if not self._ready:
                return None  # until `wait` has looked again
            self._read(self._ready.popleft())
        return frames.popleft()

    def send(self, peer: bytes, frame: bytes) -> Delivery:
        """Give a frame to a connection without waiting. What is begun is finished as the client takes it."""
        connection = self._connections.get(peer)
        if connection is None:
            return Delivery.GONE
        if connection.rest:
            return Delivery.FULL
        try:
            if len(frame) < _COPIED:
                data = zmtp.encode(frame)
                sent = connection.socket.send(data)
            else:
                head = zmtp.encode_head(len(frame))
                sent = connection.socket.sendmsg((head, frame))
                data = head + frame if sent < len(head) + len(frame) else b""
        except BlockingIOError:
            connection.needs_room = True
            self._watch(connection)
            return Delivery.FULL
        except OSError as error:
            log.debug("%s: %s", connection.origin.address, error.strerror)
            # It is read to its end; then the broker hears of it.
            return Delivery.GONE
        if sent < len(data):
            connection.rest = memoryview(data)[sent:]
            connection.needs_room = True
            self._watch(connection)
        return Delivery.SENT

    def rest(self, peer: bytes, until: float) -> None:
        """Read nothing of a connection until then."""
        connection = self._connections.get(peer)
        if connection is not None and connection not in self._resting:
            self._resting[connection] = until
            self._watch(connection)

    def tick(self) -> None:
        """Once a second: drop who does not say READY, accept and listen again if that could not be done before."""
        too_old = time.monotonic() - HANDSHAKE_S
        for connection in list(self._by_descriptor.values()):
            if not connection.decoder.is_open and connection.since < too_old:
                log.debug("%s does not speak; dropped", connection.origin.address)
                self._close(connection)
        if not self._door.is_there:
            self._listen_again()
        elif not self._accepts:
            self._watch_for_clients()

    def close(self) -> None:
        """Stop listening; the socket file and its lock go too."""
        for connection in self._by_descriptor.values():
            connection.socket.close()
        self._epoll.close()
        self._door.close()

    def _listen_again(self) -> None:
        """Let others find us again; who is connected stays so."""
        if self._accepts:
            log.error("%s was deleted", self.endpoint)
            self._epoll.unregister(self._door.socket)
            self._accepts = False
        with contextlib.suppress(OSError):  # its folder is gone too; in a second we try again
            self._door.reopen()
            self._watch_for_clients()

    # -- who comes and goes ----------------------------------------------------------------------------------------

    def _watch_for_clients(self) -> None:
        self._epoll.register(self._door.socket, select.EPOLLIN)
        self._accepts = True

    def _accept(self) -> None:
        for _ in range(64):
            try:
                accepted, _ = self._door.socket.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError as error:
                # No descriptors or no memory: whoever waits would wake us without end.
                log.error("%s: cannot accept a client: %s", self.endpoint, error.strerror)
                self._epoll.unregister(self._door.socket)
                self._accepts = False
                return
            self._admit(accepted)

    def _admit(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        pid, user = peer_of(accepted)
        self._number += 1
        connection = _Connection(b"local:%d" % self._number, accepted, Origin(f"pid {pid}", user), self._largest)
        self._connections[connection.peer] = self._by_descriptor[accepted.fileno()] = connection
        self._epoll.register(accepted, select.EPOLLIN)
        with contextlib.suppress(OSError):  # gone already: it is read to its end
            accepted.send(zmtp.opening("ROUTER"))

    def _close(self, connection: _Connection) -> None:
        self._resting.pop(connection, None)
        del self._by_descriptor[connection.socket.fileno()]
        del self._connections[connection.peer]
        connection.socket.close()
        # The broker need not find out by itself.
        self._frames.append((connection.peer, [_BYE], None))

    # -- what they send --------------------------------------------------------------------------------------------

    def _look(self, timeout_s: float) -> bool:
        """See which connections have something to do; return whether any has."""
        ready = self._ready
        for descriptor, event in look(self._epoll, timeout_s):
            connection = self._by_descriptor.get(descriptor)
            if connection is not None:
                if event & select.EPOLLOUT:
                    self._finish(connection)
                if event & ~select.EPOLLOUT:
                    ready.append(connection)
            elif descriptor not in self._watched:
                self._accept()
        return bool(ready)

    def _read(self, connection: _Connection) -> None:
        if connection.socket.fileno() < 0:
            return
        try:
            data = bytes(self._buffer[: connection.socket.recv_into(self._buffer)])
        except BlockingIOError:
            return
        except OSError:
            data = b""
        decoder, peer, origin = connection.decoder, connection.peer, connection.origin
        try:
            found = decoder.feed(data) if data else []
        except ProtocolError as error:
            log.warning("%s (%s) was disconnected: %s", origin.address, origin.user, error)
            self.multipart += 1
            data, found = b"", []
        if found:
            self._frames.append((peer, found, origin))
        if decoder.multipart:
            self.multipart += decoder.multipart
            decoder.multipart = 0
        if decoder.replies and not connection.rest:
            connection.rest, decoder.replies = memoryview(decoder.replies), b""
            self._finish(connection)
        if not data:
            self._close(connection)

    # -- what they get ---------------------------------------------------------------------------------------------

    def _finish(self, connection: _Connection) -> None:
        """Send the rest of what was begun."""
        try:
            while connection.rest:
                connection.rest = connection.rest[connection.socket.send(connection.rest) :]
        except BlockingIOError:
            pass
        except OSError:
            connection.rest = memoryview(b"")
        connection.needs_room = bool(connection.rest)
        self._watch(connection)

    def _watch(self, connection: _Connection) -> None:
        wanted = 0 if connection in self._resting else select.EPOLLIN
        self._epoll.modify(connection.socket, wanted | (select.EPOLLOUT if connection.needs_room else 0))

    def _resume(self) -> float:
        """Read again who has rested; return how long the next one still does."""
        now = time.monotonic()
        for connection, until in list(self._resting.items()):
            if until <= now:
                del self._resting[connection]
                self._watch(connection)
        return min(self._resting.values(), default=float("inf")) - now
