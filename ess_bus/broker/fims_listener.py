"""`FimsListener`: the original's own socket, so that unmodified C++, Go and node programs join the bus (fims.md A1.4).

It never waits for a client: what a client sends is taken when it is there, what it does not take stays here or with the
broker. Its connections are watched by one epoll object, which is all that the broker's loop has to watch.
"""

from __future__ import annotations

import logging
import select
import socket
import time
from collections import deque
from collections.abc import Container
from pathlib import Path
from typing import Final

from ess_bus import control
from ess_bus.broker.clients import Origin
from ess_bus.broker.fims_connection import FimsConnection, FimsPeer, enlarge
from ess_bus.broker.fims_session import Counters, FimsSession, Stage
from ess_bus.broker.fims_socket import FimsSocket
from ess_bus.broker.identity import peer_of
from ess_bus.broker.outbox import Delivery
from ess_bus.control import Verb
from ess_bus.errors import ProtocolError

log = logging.getLogger(__name__)

# As many as the original has room for (fims.md B2).
MAX_CONNECTIONS: Final = 512
# The original's clients wait 2 s for the handshake.
HANDSHAKE_S: Final = 5.0
# What is read from one connection, and how many are accepted, before the next has its turn.
_TURN_PACKETS: Final = 64
_TURN_BYTES: Final = 1 << 20
_BYE: Final = control.encode(Verb.BYE)


class FimsListener:
    """Listens at a path and moves messages; to the broker its connections are clients like others.

    Args:
        path: where the socket is made.
        group: the id of a group whose members may connect, ``None`` for this user alone.
        max_connections: how many there may be at once.

    Raises:
        Disconnected: somebody listens there, or the path cannot be used.
    """

    def __init__(self, path: Path, group: int | None = None, max_connections: int = MAX_CONNECTIONS) -> None:
        self._place = FimsSocket(path, group)
        self._max_connections = max_connections
        self._counters = Counters()
        self._epoll = select.epoll()
        self._connections: dict[bytes, FimsConnection] = {}
        self._by_descriptor: dict[int, FimsConnection] = {}
        self._ready: deque[FimsConnection] = deque()
        self._frames: deque[tuple[FimsConnection, bytes]] = deque()
        self._left: FimsConnection | None = None
        self._number = 0
        self._accepts = self._is_full = False
        self._watch_for_clients()

    @property
    def path(self) -> Path:
        """Where it listens."""
        return self._place.path

    def fileno(self) -> int:
        """Return what is readable when there is something new to do."""
        return self._epoll.fileno()

    @property
    def is_pending(self) -> bool:
        """Whether `receive` has something to do already, so that nobody may wait for `fileno`."""
        return bool(self._frames or self._ready)

    def receive(self, _known: Container[bytes] = ()) -> tuple[bytes, list[bytes], Origin | None] | None:
        """Return (peer, frames, origin), or ``None`` if nothing is here."""
        if self._left is not None:
            del self._connections[self._left.peer]
            self._left = None
        while not self._frames:
            if self._ready:
                self._read(self._ready.popleft())
            elif not self._look():
                return None
        connection, frame = self._frames.popleft()
        if frame is _BYE:
            # Still known while the broker handles its goodbye: what waits for it does not wait for nobody.
            self._left = connection
        return connection.peer, [frame], connection.origin

    def send(self, peer: bytes, frame: bytes) -> Delivery:
        """Give a frame to a connection without waiting. Of a batch, what it has no room for stays here."""
        connection = self._connections.get(peer)
        if connection is None:
            return Delivery.GONE
        session = connection.session
        if frame[:1] != control.MARK and not session.is_subscribing and not self._pump(connection):
            return Delivery.FULL
        session.deliver(frame)
        self._pump(connection)
        if session.stage is Stage.OVER:
            self._close(connection)
        return Delivery.SENT

    def rest(self, peer: bytes, until: float) -> None:
        """Do nothing: the kernel holds little of what a client of this protocol sends."""

    def tick(self, known: Container[bytes]) -> None:
        """Once a second: drop who does not say what it is, and whom the broker does not know any more."""
        if not self._accepts:
            self._watch_for_clients()
        now = time.monotonic()
        unheard = {connection for connection, _ in self._frames}
        for connection in list(self._by_descriptor.values()):
            if connection.session.stage is not Stage.JOINED:
                if now - connection.since > HANDSHAKE_S:
                    log.debug("%s does not say who it is; dropped", connection.peer.decode())
                    self._close(connection)
            elif connection.peer not in known and connection not in unheard:
                self._close(connection)

    def take_garbage(self) -> int:
        """Return how many packets were not understood since the last call."""
        garbage, self._counters.garbage = self._counters.garbage, 0
        return garbage

    def take_losses(self) -> list[tuple[bytes, int]]:
        """Return (peer, how many messages it could not be given) since the last call."""
        losses = []
        for connection in self._connections.values():
            lost = connection.take_losses()
            if lost:
                losses.append((connection.peer, lost))
        return losses

    def close(self) -> None:
        """Stop listening, and close every connection."""
        self._place.close()
        for connection in self._by_descriptor.values():
            connection.close()
        self._epoll.close()

    # -- who comes and goes --------------------------------------------------------------------------------------------

    def _watch_for_clients(self) -> None:
        self._epoll.register(self._place.socket, select.EPOLLIN)
        self._accepts = True

    def _accept(self) -> None:
        for _ in range(_TURN_PACKETS):
            try:
                accepted, _ = self._place.socket.accept()
            except BlockingIOError:
                return
            except ConnectionError:  # it has left already
                continue
            except OSError as error:
                # No descriptors or no memory: whoever waits would wake us without end.
                log.error("%s: cannot accept a client: %s", self.path, error.strerror)
                self._epoll.unregister(self._place.socket)
                self._accepts = False
                return
            if len(self._by_descriptor) >= self._max_connections:
                level = logging.DEBUG if self._is_full else logging.WARNING
                log.log(level, "%s: %d clients are connected, no more are taken", self.path, self._max_connections)
                self._is_full = True
                accepted.close()
            else:
                self._is_full = False
                try:
                    self._admit(accepted)
                except OSError as error:
                    log.error("%s: cannot take a client: %s", self.path, error.strerror)
                    accepted.close()

    def _admit(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        largest = enlarge(accepted)
        pid, user = peer_of(accepted)
        session = FimsSession(user, pid, largest, self._counters)
        self._number += 1
        peer = FimsPeer(b"fims:%d" % self._number)
        origin = Origin(f"fims socket, pid {pid}", user, session.misfit)
        connection = FimsConnection(peer, accepted, origin, session, time.monotonic())
        self._epoll.register(accepted, select.EPOLLIN)
        self._connections[peer] = self._by_descriptor[accepted.fileno()] = connection
        self._pump(connection)

    def _close(self, connection: FimsConnection) -> None:
        """Close a connection, and let the broker know after all that it said."""
        if connection.is_closed:
            return
        del self._by_descriptor[connection.socket.fileno()]
        connection.close()
        if connection.session.name:
            self._frames.append((connection, _BYE))
        else:
            del self._connections[connection.peer]

    # -- what they send ------------------------------------------------------------------------------------------------

    def _look(self) -> bool:
        """See which connections have something to do; return whether that is so for any."""
        for descriptor, event in self._epoll.poll(0):
            connection = self._by_descriptor.get(descriptor)
            if connection is None:
                self._accept()
                continue
            if event & select.EPOLLOUT:
                self._pump(connection)
            if event & ~select.EPOLLOUT:
                self._ready.append(connection)
        return self.is_pending

    def _read(self, connection: FimsConnection) -> None:
        taken = 0
        for _ in range(_TURN_PACKETS):
            packet = connection.next_packet()
            if packet is None:
                return
            if not packet:
                self._close(connection)
                return
            try:
                frame = connection.session.feed(packet)
            except ProtocolError as error:
                self._counters.garbage += 1
                log.debug("%s: %s; dropped", connection.peer.decode(), error)
                self._close(connection)
                return
            if frame is not None:
                self._frames.append((connection, frame))
            if connection.session.waiting:
                self._pump(connection)
            taken += len(packet)
            if taken > _TURN_BYTES:
                return

    # -- what they get -------------------------------------------------------------------------------------------------

    def _pump(self, connection: FimsConnection) -> bool:
        """Hand over what waits for a client, as far as there is room; return whether all of it went."""
        went = connection.pump()
        self._frames.extend((connection, frame) for frame in connection.take_confirmations())
        if connection.is_watched_for_room != connection.needs_room and not connection.is_closed:
            connection.is_watched_for_room = connection.needs_room
            wanted = select.EPOLLIN | (select.EPOLLOUT if connection.needs_room else 0)
            self._epoll.modify(connection.socket, wanted)
        return went
