"""`ZmqListener`: the broker on TCP. One ROUTER of ZeroMQ; one frame per message each way; with keys, CURVE (RFC 26)."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Final

import zmq

from ess_bus.broker.clients import Origin
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import Delivery
from ess_bus.errors import Disconnected

if TYPE_CHECKING:
    from ess_bus.broker.guard import Guard
    from ess_bus.keys import ServerKeys

# How many frames may wait for one client inside ZeroMQ; most often the outbox's window in bytes is reached first.
SEND_QUEUE: Final = 20_000
# How many may wait from one client before it is slowed down.
RECEIVE_QUEUE: Final = 1000


class ZmqListener:
    """Binds an endpoint and moves frames; see `ess_bus.transport.zeromq` for the other side.

    Args:
        endpoint: ``tcp://HOST:PORT``.
        limits: the largest message, and the patience with a connection that is half open.
        keys: for CURVE; without them only this machine can connect, and nobody proves who they are.

    Raises:
        Disconnected: the endpoint is in use, is not allowed or cannot be bound.
    """

    def __init__(self, endpoint: str, limits: Limits, keys: ServerKeys | None = None) -> None:
        if keys is None:
            _require_loopback(endpoint)
        self.endpoint = endpoint
        self.multipart = 0
        self._guard: Guard | None = None
        self._context = zmq.Context(io_threads=1)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.sndhwm, self._socket.rcvhwm = SEND_QUEUE, RECEIVE_QUEUE
        self._socket.maxmsgsize = limits.max_frame
        # A frame for a connection that is closed fails with EHOSTUNREACH instead of vanishing.
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        # Half-open connections are noticed by ZeroMQ itself, but not before a stopped process counts as stalled.
        self._socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(limits.stalled_after_s * 1000))
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        self._socket.ipv6 = "[" in endpoint
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._recv, self._get = self._socket.recv, self._socket.get
        try:
            if keys is not None:
                self._guard = _guard(self._socket, keys)
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise Disconnected(f"cannot listen on {endpoint}: {os.strerror(error.errno or 0).lower()}") from None
        except BaseException:
            self.close()
            raise

    def watch(self, descriptor: int) -> None:
        """Let `wait` return when `descriptor` is readable too."""
        self._poller.register(descriptor, zmq.POLLIN)

    def wait(self, timeout_s: float) -> bool:
        """Wait until a frame is here; return whether one is."""
        return bool(self._poller.poll(max(0, int(timeout_s * 1000))))

    def receive(self, known: Container[bytes]) -> tuple[bytes, list[bytes], Origin | None] | None:
        """Return (peer, frames, origin), or ``None`` if nothing is here; peers that are `known` need no origin."""
        recv, get = self._recv, self._get
        while True:
            try:
                peer = recv(zmq.NOBLOCK)
            except zmq.Again:
                return None
            if peer in known:
                frame, origin = recv(), None
            else:
                part = self._socket.recv(copy=False)
                frame, origin = part.bytes, self._origin(part)
            if not get(zmq.RCVMORE):
                if origin is None or self._is_welcome(origin):
                    return peer, [frame], origin
                continue
            # Not ours: every frame of this protocol is one part.
            while get(zmq.RCVMORE):
                recv()
            self.multipart += 1

    def send(self, peer: bytes, frame: bytes) -> Delivery:
        """Queue a frame for a connection without waiting."""
        try:
            self._socket.send(peer, zmq.SNDMORE | zmq.NOBLOCK)
            self._socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return Delivery.FULL
        except zmq.ZMQError as error:
            if error.errno == errno.EHOSTUNREACH:
                return Delivery.GONE
            raise
        return Delivery.SENT

    def admit(self, clients: Mapping[bytes, str]) -> frozenset[str]:
        """Go by another allow-list of keys from now on; return the names of those who may stay."""
        if self._guard is None:
            return frozenset()
        self._guard.replace(clients)
        return self._guard.names

    def rest(self, peer: bytes, until: float) -> None:
        """Do nothing: libzmq shares one queue among all of its connections."""

    def tick(self) -> None:
        """Do nothing: libzmq looks after its connections itself."""

    def close(self) -> None:
        """Stop listening."""
        self._socket.close(linger=0)
        if self._guard is not None:
            self._guard.close()
        self._context.term()

    def _origin(self, part: zmq.Frame) -> Origin:
        address = _property(part, "Peer-Address") or ""
        # Without ZAP a client may send a property of this name itself; with it, ZAP's takes precedence in libzmq.
        return Origin(address, None if self._guard is None else _property(part, "User-Id"))

    def _is_welcome(self, origin: Origin) -> bool:
        """Tell whether a connection may speak: its key may have been taken off the list since it was let in."""
        return self._guard is None or origin.user in self._guard.names


def _guard(socket: zmq.Socket[bytes], keys: ServerKeys) -> Guard:
    from ess_bus.broker.guard import Guard  # not at the top: it brings asyncio, and most brokers have no keys

    return Guard(socket, keys)


def _property(part: zmq.Frame, name: str) -> str | None:
    try:
        return str(part.get(name)) or None
    except zmq.ZMQError:  # this connection has none
        return None


def _require_loopback(endpoint: str) -> None:
    """Refuse to listen where other machines can connect."""
    host = endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)} if host != "*" else {"0.0.0.0"}  # noqa: S104
    except OSError:
        raise Disconnected(f"cannot listen on {endpoint}: unknown host {host!r}") from None
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        reason = "only loopback addresses are allowed without keys; see --curve-secret"
        raise Disconnected(f"cannot listen on {endpoint}: {reason}")
