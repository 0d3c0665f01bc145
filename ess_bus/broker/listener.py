"""`ZmqListener`: the broker's ZeroMQ socket. One ROUTER; one frame per message each way."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import socket
from collections.abc import Container, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import zmq

from ess_bus import endpoint as endpoints
from ess_bus.broker.clients import Origin
from ess_bus.broker.identity import origin_of
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
# Room for the header and the tail's small fields on top of the largest body.
_FRAME_OVERHEAD: Final = 4096


class ZmqListener:
    """Binds an endpoint and moves frames; see `ess_bus.transport.zeromq` for the other side.

    Args:
        endpoint: an ``ipc://`` or ``tcp://`` endpoint.
        limits: the largest message and the patience with a connection that is half open.
        keys: CURVE for TCP; without it only this machine can connect.
        group: the members of this group may use an ``ipc://`` socket too.

    Raises:
        Disconnected: the endpoint is in use, is not allowed or cannot be bound.
    """

    def __init__(self, endpoint: str, limits: Limits, keys: ServerKeys | None = None, group: int | None = None) -> None:
        _require_safe(endpoint, keys, group)
        endpoints.prepare(endpoint)
        self.endpoint = endpoint
        self.multipart = 0
        self._lock = _lock(endpoint)
        self._context = zmq.Context(io_threads=1)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.sndhwm, self._socket.rcvhwm = SEND_QUEUE, RECEIVE_QUEUE
        self._socket.maxmsgsize = limits.max_message + _FRAME_OVERHEAD
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
        self._guard: Guard | None = None
        try:
            if keys is not None:
                from ess_bus.broker.guard import (
                    Guard,
                )  # with it comes asyncio, which a broker without keys does not need

                self._guard = Guard(self._socket, keys)
            self._bind()
            if group is not None:
                self._open_to(group)
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

    def receive(self, known: Container[bytes]) -> tuple[bytes, bytes, Origin | None] | None:
        """Return (peer, frame, origin), or ``None`` if nothing is here; peers that are `known` need no origin."""
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
                frame, origin = part.bytes, origin_of(part)
                if self._guard is not None and origin.user not in self._guard.names:
                    peer = b""  # it was let in, and was taken off the list since
            if not get(zmq.RCVMORE):
                if peer:
                    return peer, frame, origin
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

    def close(self) -> None:
        """Stop listening; the socket file and its lock go too."""
        self._socket.close(linger=0)
        if self._guard is not None:
            self._guard.close()
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

    def _open_to(self, group: int) -> None:
        path = self.endpoint.removeprefix("ipc://")
        try:
            os.chown(path, -1, group)
            Path(path).chmod(0o660)
        except OSError as error:
            raise Disconnected(f"cannot open {path} to the group {group}: {error.strerror}") from None


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
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held


def _require_safe(endpoint: str, keys: ServerKeys | None, group: int | None) -> None:
    """Refuse to listen where other machines can connect without a key, and options that do not fit the endpoint."""
    if endpoint.startswith("ipc://"):
        if keys is not None:
            raise Disconnected(
                f"cannot listen on {endpoint} with keys: they are for tcp://; here the kernel says who connects"
            )
        if group is not None and Path(endpoint.removeprefix("ipc://")).parent == endpoints.runtime_folder():
            raise Disconnected(
                f"cannot open {endpoint} to a group: its folder is private; use ipc://PATH in another one"
            )
        return
    if group is not None:
        raise Disconnected(f"cannot open {endpoint} to a group: that is for ipc://PATH")
    host = endpoint.removeprefix("tcp://").rpartition(":")[0].strip("[]")
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host, None)} if host != "*" else {"0.0.0.0"}  # noqa: S104
    except OSError:
        raise Disconnected(f"cannot listen on {endpoint}: unknown host {host!r}") from None
    if keys is None and not all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise Disconnected(
            f"cannot listen on {endpoint}: only loopback addresses are allowed without keys (--curve-secret)"
        )
