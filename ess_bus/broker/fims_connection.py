"""`FimsConnection`: one client of the original's protocol, its socket and its session; nothing here ever waits."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
from typing import Final

from ess_bus import control, fims_wire
from ess_bus.broker.clients import Origin
from ess_bus.broker.fims_session import FimsSession
from ess_bus.control import Verb

log = logging.getLogger(__name__)

# Asked of the kernel for what waits for one client; it takes twice that, and no more than net.core.wmem_max allows.
SEND_BUFFER: Final = 2 * fims_wire.MAX_PACKET
# What the kernel keeps of a send buffer for itself (unix_dgram_sendmsg).
_KERNEL_BYTES: Final = 32
# One for all connections: what is read is copied out of it at once. A packet that fills it is over the limit.
_buffer: Final = bytearray(fims_wire.MAX_PACKET + 1)


class FimsPeer(bytes):
    """The id of a connection here. It is equal to itself alone: on ZeroMQ a client may call itself what it likes."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class FimsConnection:
    """A client's socket, and its session.

    Attributes:
        since: when it connected.
        needs_room: whether packets wait until the client has read some.
        is_watched_for_room: whether the listener watches for that.
        is_broken: whether it can no longer be written to; what it sent before it closed is still to be read.
    """

    def __init__(self, peer: bytes, accepted: socket.socket, origin: Origin, session: FimsSession, now: float) -> None:
        self.peer, self.socket, self.origin, self.session = peer, accepted, origin, session
        self.since = now
        self.needs_room = self.is_watched_for_room = self.is_broken = False
        self._confirmed: list[int] = []
        self._told = 0

    @property
    def is_closed(self) -> bool:
        """Whether the socket is closed on this side."""
        return self.socket.fileno() < 0

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
        self.is_broken = True

    def next_packet(self) -> bytes | None:
        """Return the next packet, ``None`` if none is here now, an empty one if there will be no more."""
        while True:
            try:
                size = self.socket.recv_into(_buffer)
            except BlockingIOError:
                return None
            except ConnectionResetError:
                # It closed without reading everything. That is said once; what it sent before can still be read.
                self.is_broken = True
            except OSError as error:
                log.debug("%s: %s", self.peer.decode(), error.strerror)
                return b""
            else:
                return bytes(memoryview(_buffer)[:size])

    def pump(self) -> bool:
        """Hand over what waits for the client, as far as there is room; return whether all of it went."""
        waiting = self.session.waiting
        while waiting and not self.is_broken:
            outgoing = waiting[0]
            try:
                if outgoing.packet:
                    self.socket.send(outgoing.packet, socket.MSG_NOSIGNAL)
                else:
                    self._confirmed.append(outgoing.number)
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in (errno.ENOBUFS, errno.ENOMEM):
                    break
                if error.errno != errno.EMSGSIZE:
                    # It is read to its end; then the broker hears of it.
                    self.is_broken = True
                    break
                self.session.give_up(outgoing, "the kernel does not let it through")
            waiting.popleft()
        self.needs_room = bool(waiting) and not self.is_broken
        return not waiting and not self.is_broken

    def take_confirmations(self) -> list[bytes]:
        """Return the frames that tell the broker how far the client has been handed what was sent."""
        if not self._confirmed:
            return []
        confirmed, self._confirmed = self._confirmed, []
        return [control.encode(Verb.PONG, number) for number in confirmed]

    def take_losses(self) -> int:
        """Return how many messages the client could not be given since the last call."""
        lost = self.session.lost - self._told
        self._told += lost
        return lost


def enlarge(accepted: socket.socket) -> int:
    """Give a client as much room as the kernel allows; return how large its largest packet may be."""
    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) < SEND_BUFFER:
        # Allowed to root beyond net.core.wmem_max.
        with contextlib.suppress(OSError):
            accepted.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_SNDBUFFORCE", 32), SEND_BUFFER)
    return accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - _KERNEL_BYTES
