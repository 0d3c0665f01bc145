"""`ZmqListener`: the broker's ZeroMQ socket. One ROUTER; one frame per message each way."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import pwd
import socket
from collections.abc import Container
from pathlib import Path
from typing import Final, TextIO

import zmq

from ess_bus import endpoint as endpoints
from ess_bus.broker.clients import Origin
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import Delivery
from ess_bus.errors import Disconnected

# How many frames may wait for one client inside ZeroMQ; most often the outbox's window in bytes is reached first.
SEND_QUEUE: Final = 20_000
# How many may wait from one client before it is slowed down.
RECEIVE_QUEUE: Final = 1000


class ZmqListener:
    """Binds an endpoint and moves frames; see `ess_bus.transport.zeromq` for the other side.

    Raises:
        Disconnected: the endpoint is in use, is not allowed or cannot be bound.
    """

    def __init__(self, endpoint: str, limits: Limits) -> None:
        _require_loopback(endpoint)
        endpoints.prepare(endpoint)
        self.endpoint = endpoint
        self.multipart = 0
        self._lock = _lock(endpoint)
        self._context = zmq.Context(io_threads=1)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.sndhwm, self._socket.rcvhwm = SEND_QUEUE, RECEIVE_QUEUE
        self._socket.maxmsgsize = limits.max_frame
        # A frame for a connection that is closed fails with EHOSTUNREACH instead of vanishing.
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        if endpoint.startswith("tcp://"):
            # Half-open connections are noticed by ZeroMQ itself, but not before a stopped process counts as stalled.
            self._socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
            self._socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, int(limits.stalled_after_s * 1000))
        self._socket.setsockopt(zmq.HANDSHAKE_IVL, 5000)
        self._socket.ipv6 = "[" in endpoint
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._recv, self._get = self._socket.recv, self._socket.get
        try:
            self._bind()
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """Return what to wait on (edge-triggered: drain `receive` first)."""
        return int(self._socket.fileno())

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
                frame, origin = part.bytes, _origin(part)
            if not get(zmq.RCVMORE):
                return peer, [frame], origin
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

    def rest(self, peer: bytes, until: float) -> None:
        """Do nothing: libzmq shares one queue among all of its connections."""

    def tick(self) -> None:
        """Do nothing: libzmq looks after its connections itself."""

    def close(self) -> None:
        """Stop listening; the socket file and its lock go too."""
        self._socket.close(linger=0)
        self._context.term()
        if self._lock is not None:
            # ZeroMQ leaves the file behind. While the lock is held it is nobody else's.
            for path in (self.endpoint.removeprefix("ipc://"), self._lock.name):
                with contextlib.suppress(OSError):
                    Path(path).unlink()
            self._lock.close()

    def _bind(self) -> None:
        # Only this user may connect: connecting needs write permission on the socket file.
        mask = os.umask(0o177)
        try:
            self._socket.bind(self.endpoint)
        except zmq.ZMQError as error:
            raise Disconnected(f"cannot listen on {self.endpoint}: {os.strerror(error.errno or 0).lower()}") from None
        finally:
            os.umask(mask)


def _origin(part: zmq.Frame) -> Origin:
    """Return what ZeroMQ and the kernel know of who sent a frame: an address, and on ipc the user as well."""
    try:
        address = str(part.get("Peer-Address"))
    except zmq.ZMQError:
        return Origin()
    # libzmq writes host:uid:gid:pid for ipc, from SO_PEERCRED.
    match address.rsplit(":", 3):
        case (_, uid, gid, pid) if uid.isdigit() and gid.isdigit() and pid.isdigit():
            return Origin(f"pid {pid}", _user_name(int(uid)))
    return Origin(address)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _lock(endpoint: str) -> TextIO | None:
    """Hold a lock file beside an ipc socket: ZeroMQ would silently take the socket of a running broker away."""
    if not endpoint.startswith("ipc://"):
        return None
    path = Path(endpoint.removeprefix("ipc://") + ".lock")
    try:
        while True:
            held = path.open("a+")
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(held.fileno()).st_ino:
                break
            # The broker before us has just removed the file that we opened.
            held.close()
    except BlockingIOError:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise Disconnected(f"cannot listen on {endpoint}: a broker is already there (pid {owner})") from None
    except OSError as error:
        raise Disconnected(f"cannot listen on {endpoint}: {error.strerror}: {path}") from None
    # It only serves the message above: a disk that is full must not keep the bus from starting.
    with contextlib.suppress(OSError):
        os.truncate(held.fileno(), 0)
        os.write(held.fileno(), str(os.getpid()).encode())
    return held


def _require_loopback(endpoint: str) -> None:
    """Refuse to listen where other machines can connect: there is no authentication yet."""
    if not endpoint.startswith("tcp://"):
        return
    host = endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)} if host != "*" else {"0.0.0.0"}  # noqa: S104
    except OSError:
        raise Disconnected(f"cannot listen on {endpoint}: unknown host {host!r}") from None
    if not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise Disconnected(f"cannot listen on {endpoint}: only loopback addresses are allowed")
