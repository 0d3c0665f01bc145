"""`Hub`: a real broker inside this process, and connections to it without a socket. For the tests of programs.

::

    hub = Hub()
    with Bus(name="owner", transport=hub.connect) as owner, Bus(name="asker", transport=hub.connect) as asker:
        requests = owner.subscribe("/components/bms_1")
        asker.publish("/components/bms_1/soc", 50)
        assert requests.receive(1).json() == 50

What is sent is routed by the same core that ``fims_server`` runs, under the rules of docs/wire.md, so a program that is
tested here meets the same refusals, bounds and orders there. There is no thread: the broker does its work in whoever
sends, receives or waits. Any number of threads and event loops may be connected to one hub, each `Bus` in one of them.
`Hub.stop` and `Hub.start` show a program what it is like when the broker goes away.
"""

from __future__ import annotations

import math
import os
import select
import time
from collections import deque
from itertools import count
from threading import Lock
from typing import Final

from ess_bus.broker.clients import Origin
from ess_bus.broker.core import Broker
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import Delivery

# Frames that wait in one connection before the broker finds it full; the same as over ZeroMQ.
QUEUE_LENGTH: Final = 1000
TICK_S: Final = 1.0


class _Connection:
    """The frames on their way to one client, and a descriptor that is readable when it should look."""

    def __init__(self, user: str | None, most: int) -> None:
        self.origin = Origin("memory", user)
        self.peer = b""
        self.losses = 0
        self.frames: deque[bytes] = deque()
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.is_signalled = False
        self._most = most

    def put(self, frame: bytes) -> Delivery:
        if len(self.frames) >= self._most:
            return Delivery.FULL
        self.frames.append(frame)
        self.signal()
        return Delivery.SENT

    def lose(self) -> None:
        self.losses += 1
        self.signal()

    def signal(self) -> None:
        if not self.is_signalled:
            self.is_signalled = True
            os.eventfd_write(self.descriptor, 1)

    def calm(self) -> None:
        if self.is_signalled:
            self.is_signalled = False
            os.eventfd_read(self.descriptor)


class Hub:
    """A broker for the clients of this process; it runs from the start.

    Args:
        limits: those of the broker, such as the largest message.
        queue_length: how many frames a connection holds for a client that does not read; then the broker keeps them.
    """

    def __init__(self, limits: Limits = Limits(), *, queue_length: int = QUEUE_LENGTH) -> None:
        self.limits = limits
        self._queue_length = queue_length
        # Nothing is done to the broker or a connection without it.
        self._lock = Lock()
        self._numbers = count(1)
        self._connections: dict[bytes, _Connection] = {}
        self._broker: Broker | None = None
        self._next_tick = 0.0
        self.start()

    def connect(self, user: str | None = None) -> MemoryTransport:
        """Return a new connection: what `Bus` and `AsyncBus` take as `transport`.

        Args:
            user: who is proven to be behind it (``partial(hub.connect, "alice")``); by default nobody is.
        """
        connection = _Connection(user, self._queue_length)
        with self._lock:
            self._admit(connection)
        return MemoryTransport(self, connection)

    def start(self) -> None:
        """Begin with a new broker, which knows nobody; the clients find out and come back by themselves."""
        self.stop()
        with self._lock:
            now = time.monotonic()
            self._broker = Broker(self._hand_over, self.limits, now)
            self._next_tick = now + TICK_S
            for connection in list(self._connections.values()):
                self._admit(connection)
                connection.signal()

    def stop(self) -> None:
        """End the broker as ``kill -9`` would: without a word to anybody."""
        with self._lock:
            if self._broker is not None:
                self._broker = None
                for connection in self._connections.values():
                    connection.lose()

    @property
    def is_holding(self) -> bool:
        """Whether the broker keeps something back for a client that does not read."""
        with self._lock:
            return self._broker is not None and self._broker.is_holding

    # -- for MemoryTransport ---------------------------------------------------------------------------------------

    def carry(self, connection: _Connection, frame: bytes) -> bool:
        """Bring a frame to the broker; tell whether it runs."""
        with self._lock:
            if self._broker is None:
                return False
            now = time.monotonic()
            if len(frame) > self.limits.max_frame:
                # A listener with sockets closes the connection, and the client makes a new one.
                self._admit(connection)
                connection.lose()
            else:
                self._broker.receive(connection.peer, frame, now, connection.origin)
                self._broker.flush(now)
            self._turn(now)
            return True

    def fetch(self, connection: _Connection) -> bytes | None:
        """Return the next frame for a client, if any."""
        with self._lock:
            if not connection.frames:
                # There is room now for what the broker may have kept back.
                self._turn(time.monotonic())
            if not connection.frames:
                connection.calm()
                return None
            return connection.frames.popleft()

    def is_ready(self, connection: _Connection, *, writable: bool) -> bool:
        """Tell whether there is something to look at, or a frame can be sent if that is what is `writable`."""
        with self._lock:
            self._turn(time.monotonic())
            return connection.is_signalled or (writable and self._broker is not None)

    def part(self, connection: _Connection) -> None:
        """Close a connection; the broker finds out with its next frame to it."""
        with self._lock:
            if self._connections.pop(connection.peer, None) is not None:
                os.close(connection.descriptor)

    def _admit(self, connection: _Connection) -> None:
        self._connections.pop(connection.peer, None)
        connection.peer = b"memory %d" % next(self._numbers)
        self._connections[connection.peer] = connection

    def _hand_over(self, peer: bytes, frame: bytes) -> Delivery:
        connection = self._connections.get(peer)
        return Delivery.GONE if connection is None else connection.put(frame)

    def _turn(self, now: float) -> None:
        """Do what the broker's own loop would be doing now."""
        if self._broker is None:
            return
        if self._broker.is_holding:
            self._broker.retry(now)
        if now >= self._next_tick:
            self._broker.tick(now)
            self._next_tick = now + TICK_S


class MemoryTransport:
    """One client's connection to a `Hub`; see `ess_bus.transport.base.Transport`."""

    def __init__(self, hub: Hub, connection: _Connection) -> None:
        self._hub = hub
        self._connection = connection
        self._is_open = True
        self._poll = select.poll()
        self._poll.register(connection.descriptor, select.POLLIN)

    @property
    def losses(self) -> int:
        """See `Transport`."""
        return self._connection.losses

    def send(self, frame: bytes) -> bool:
        """See `Transport.send`."""
        return self._is_open and self._hub.carry(self._connection, frame)

    def receive(self) -> bytes | None:
        """See `Transport.receive`."""
        return self._hub.fetch(self._connection) if self._is_open else None

    def wait(self, timeout_s: float, *, writable: bool = False) -> None:
        """See `Transport.wait`."""
        deadline = time.monotonic() + timeout_s
        while self._is_open and not self._hub.is_ready(self._connection, writable=writable):
            left = deadline - time.monotonic()
            if left <= 0:
                return
            # Not for longer than the broker may be left alone.
            self._poll.poll(math.ceil(min(left, TICK_S) * 1000))

    def fileno(self) -> int:
        """See `Transport.fileno`."""
        return self._connection.descriptor

    def close(self, linger_s: float = 0.0) -> None:
        """See `Transport.close`; nothing is on its way, so there is nothing to wait for."""
        del linger_s
        if self._is_open:
            self._is_open = False
            self._hub.part(self._connection)
