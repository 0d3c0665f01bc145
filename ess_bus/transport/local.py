"""`LocalTransport`: a connection to a broker on this machine, over its Unix socket and without a thread in between."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections import deque
from typing import Final

from ess_bus.errors import ProtocolError
from ess_bus.transport import zmtp

# What is read at once: some thousand small messages.
READ_BYTES: Final = 256 << 10
# Asked of the kernel; it gives no more than net.core.wmem_max allows. A fuller buffer means fewer changes of process.
SEND_BUFFER: Final = 1 << 20
# How long to wait before the next attempt to connect: it doubles, up to the last, and is spread over half of it.
_FIRST_PAUSE_S: Final = 0.01
_LAST_PAUSE_S: Final = 1.0


def look(epoll: select.epoll, timeout_s: float) -> list[tuple[int, int]]:
    """Return what happens within `timeout_s`.

    A wait that this process has spent stopped (SIGSTOP) ends without a look: nobody has seen then what came meanwhile.
    """
    events = epoll.poll(timeout_s)
    return events if events or timeout_s <= 0 else epoll.poll(0)


class LocalTransport:
    """Connects when there is something to do, and reconnects with growing, jittered pauses of at most a second.

    Args:
        endpoint: ``ipc://PATH``.

    Attributes:
        refusal: why the broker does not let this client in; ``None`` as long as it may.
    """

    refusal: str | None = None

    def __init__(self, endpoint: str) -> None:
        self._path = endpoint.removeprefix("ipc://")
        # One descriptor for as long as this lives, whatever becomes of the socket.
        self._epoll = select.epoll()
        self._socket: socket.socket | None = None
        self._decoder = zmtp.Decoder("DEALER")
        self._frames: deque[bytes] = deque()
        # The rest of a frame that was taken, of which the socket has taken a part.
        self._rest = memoryview(b"")
        self._is_blocked = False
        self.losses = 0
        # Whether something may be there that was not read.
        self._may_read = False
        self._pause_s = _FIRST_PAUSE_S
        self._retry_at = 0.0
        self._connect()

    def send(self, frame: bytes) -> bool:
        """See `Transport.send`."""
        opened = self._socket
        if opened is None or self._rest or not self._decoder.is_open:
            self._connect()
            return False
        # As `zmtp.encode`; a call less for each message.
        size = len(frame)
        data = (zmtp.SHORT_HEADS[size] if size < 256 else b"\x02" + size.to_bytes(8)) + frame
        try:
            sent = opened.send(data)
        except BlockingIOError:
            self._block(True)
            return False
        except OSError:
            self._lose()
            return False
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
            self._block(True)
        return True

    def receive(self) -> bytes | None:
        """See `Transport.receive`."""
        frames = self._frames
        if not frames and self._may_read:
            self._read()
        return frames.popleft() if frames else None

    def wait(self, timeout_s: float, *, writable: bool = False) -> None:
        """See `Transport.wait`; a blocked `send` is watched for in any case."""
        del writable
        if self._frames:
            return
        if self._socket is None:
            self._connect()
            timeout_s = min(timeout_s, max(0.0, self._retry_at - time.monotonic()))
        for _, events in look(self._epoll, timeout_s):
            if events & select.EPOLLOUT:
                self._flush()
            if events & ~select.EPOLLOUT:
                self._may_read = True

    def fileno(self) -> int:
        """See `Transport.fileno`."""
        return self._epoll.fileno()

    def close(self, linger_s: float = 0.0) -> None:
        """See `Transport.close`. What the kernel has taken reaches the broker even when this process is gone."""
        deadline = time.monotonic() + linger_s
        while self._rest and self._socket is not None and (left := deadline - time.monotonic()) > 0:
            self._epoll.poll(left)
            self._flush()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._epoll.close()

    def _connect(self) -> None:
        if self._socket is not None:
            if self._rest:
                self._flush()
            return
        now = time.monotonic()
        if now < self._retry_at:
            return
        self._retry_at = now + self._pause_s * (0.5 + os.urandom(1)[0] / 512)
        self._pause_s = min(2 * self._pause_s, _LAST_PAUSE_S)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        try:
            made.connect(self._path)
            made.send(zmtp.opening("DEALER"))
        except OSError as error:
            made.close()
            if isinstance(error, PermissionError):
                self.refusal = "this user may not use its socket"
            return
        self.refusal = None
        self._socket, self._decoder = made, zmtp.Decoder("DEALER")
        self._epoll.register(made, select.EPOLLIN)

    def _read(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            self._may_read = False
            return
        except OSError:
            data = b""
        # A full read may have left something behind; after a shorter one, the next look tells.
        self._may_read = len(data) == READ_BYTES
        decoder = self._decoder
        try:
            self._frames.extend(decoder.feed(data) if data else ())
        except ProtocolError:
            data = b""
        if not data:
            self._lose()
        elif decoder.replies and not self._rest:
            self._rest, decoder.replies = memoryview(decoder.replies), b""
            self._flush()
        elif decoder.is_open:
            self._pause_s = _FIRST_PAUSE_S

    def _flush(self) -> None:
        if self._socket is None:
            return
        try:
            while self._rest:
                self._rest = self._rest[self._socket.send(self._rest) :]
        except BlockingIOError:
            self._block(True)
            return
        except OSError:
            self._lose()
            return
        self._block(False)

    def _block(self, is_blocked: bool) -> None:
        """Watch for room in the socket, or not."""
        if is_blocked is not self._is_blocked and self._socket is not None:
            self._is_blocked = is_blocked
            self._epoll.modify(self._socket, select.EPOLLIN | (select.EPOLLOUT if is_blocked else 0))

    def _lose(self) -> None:
        """The connection is gone; what was read before is still there."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._epoll.unregister(self._socket)
            self._socket.close()
            self.losses += 1
        self._socket, self._rest, self._is_blocked = None, memoryview(b""), False
