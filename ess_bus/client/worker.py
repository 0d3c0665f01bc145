"""`Worker`: the engine room of the blocking client. It works while one of the client's methods is called."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ess_bus import batch
from ess_bus.client.core import ClientCore
from ess_bus.client.link import Link, Timeouts
from ess_bus.client.pending import Pending
from ess_bus.errors import Disconnected, RequestTimeout
from ess_bus.message import Message
from ess_bus.transport.base import Transport

# A program that only publishes, or that works on what has arrived, still looks at what the broker says, this often.
LISTEN_EVERY_S: Final = 0.05
# The first look: by then everything that was said before is there, and the clock has not moved far.
SOON_S: Final = 0.1
# Frames taken in one look, so that a program that wants to do something else comes to it.
ONE_LOOK: Final = 100
A_GLANCE: Final = 2
# Messages that follow each other so closely leave together; none waits longer than the time below, or for more bytes.
CLOSE_S: Final = 20e-6
HELD_S: Final = 0.001
HELD_BYTES: Final = 32 << 10


class Worker(Link):
    """Moves frames for one thread.

    A program that sends tens of thousands of messages in a second would spend most of its time in the kernel, one call
    for each. Such messages are held for a moment and leave as one batch. Should the program do something else then, a
    helper thread sends what is held; it is started when that happens first, and a lock keeps the two apart.
    """

    def __init__(
        self, core: ClientCore, endpoint: str, timeouts: Timeouts, connect: Callable[[], Transport] | None
    ) -> None:
        super().__init__(core, endpoint, timeouts, connect)
        self._lock = threading.RLock()
        self._listened = self._sent = 0.0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._something_is_held = threading.Event()
        self._helper: threading.Thread | None = None

    def outcome(self, waiting: Pending, what: str, timeout_s: float | None) -> Message | None:
        """Wait for an outcome and return it.

        Raises:
            BusError: if that is the outcome; `RequestTimeout` if there is none in time.
        """
        limit = self.timeouts.request if timeout_s is None else timeout_s
        if not self.work(lambda: waiting.done, limit):
            self.core.give_up(waiting)
            raise RequestTimeout(what, limit)
        return waiting.result()

    def send(self, frame: bytes) -> None:
        """Hand over a message; wait while the broker takes no more.

        Raises:
            Disconnected: there is no broker, or it takes nothing for ``timeouts.send``; nothing was sent.
        """
        now = time.monotonic()
        if now - self._listened > LISTEN_EVERY_S:
            self.listen()
        is_close, self._sent = now - self._sent < CLOSE_S, now
        core = self.core
        with self._lock:
            if is_close and core.joined and len(frame) < HELD_BYTES:
                self._hold(frame)
                if self._held_bytes >= HELD_BYTES and not self._release():
                    self._insist(None)
                return
            transport = self.transport or self.opened()
            if not (core.joined and not core.outgoing and self._release() and transport.send(frame)):
                self._insist(frame)

    def answer(self, frame: bytes) -> None:
        """Hand over an answer; without a broker it waits a moment for the one that was there.

        Raises:
            Disconnected: it was not sent, and will not be.
        """
        try:
            self.send(frame)
        except Disconnected:
            if not self.keep(frame):
                raise

    def listen_if_due(self) -> None:
        """Glance at what the broker says if that was some time ago: messages wait already, and shall not pile up."""
        if time.monotonic() - self._listened > LISTEN_EVERY_S:
            self.work(lambda: False, 0.0, A_GLANCE)

    def listen(self) -> None:
        """Look at what the broker says, once: the rest waits where it is bounded."""
        self.work(lambda: False, 0.0)

    def work(self, done: Callable[[], bool], timeout_s: float | None, most: int = ONE_LOOK) -> bool:
        """Send and receive until `done`; return whether it is."""
        transport, core = self.opened(), self.core
        now = self._listened = time.monotonic()
        deadline = float("inf") if timeout_s is None else now + timeout_s
        left, has_looked, wake = most, False, now + SOON_S
        with self._lock:
            while True:
                frame = transport.receive()
                if frame is not None:
                    core.feed(frame, now)
                    left -= 1
                elif has_looked or not core.joined:
                    # Only now, when all that was said has been heard, can silence be told. Who has not been welcomed
                    # yet hears nothing before it says hello.
                    self.notice_loss()
                    wake = self.tick(now)
                if self._held or core.outgoing:
                    self.push()
                if done():
                    return True
                if frame is None:
                    if has_looked and now >= deadline:
                        return False
                    transport.wait(max(0.0, min(deadline, wake) - now), writable=bool(core.outgoing))
                    has_looked = True
                elif left <= 0 and now >= deadline:
                    return False
                now = self._listened = time.monotonic()

    def push(self) -> None:
        """Hand over what is held and then what is due, until the transport takes no more."""
        if self._release():
            super().push()

    def leave(self) -> None:
        """Say goodbye and close."""
        with self._lock:
            super().leave()

    def shut(self, linger_s: float) -> None:
        """Close the transport, and let the helper go."""
        with self._lock:
            super().shut(linger_s)
        self._something_is_held.set()

    # -- messages that follow each other closely ---------------------------------------------------------------------

    def _hold(self, frame: bytes) -> None:
        self._held.append(frame)
        self._held_bytes += len(frame)
        if len(self._held) == 1:
            if self._helper is None:
                self._helper = threading.Thread(target=self._help, name=f"{self.core.name} sends", daemon=True)
                self._helper.start()
            self._something_is_held.set()

    def _release(self) -> bool:
        """Send what is held; return whether nothing is held any more."""
        if not self._held:
            return True
        if not self.core.joined:
            # The connection was lost with these on their way, like those in the kernel's buffer.
            self.core.late.keep_those_of(self._held, time.monotonic())
            self._held, self._held_bytes = [], 0
            return True
        if self.transport is None or not self.transport.send(batch.pack(self._held)):
            return False
        self._held, self._held_bytes = [], 0
        return True

    def _insist(self, frame: bytes | None) -> None:
        """Wait until what is held was taken, and then `frame`; ``None`` if it is the last of what is held."""
        core, deadline = self.core, time.monotonic() + self.timeouts.send
        while core.joined:
            self.listen()
            transport = self.opened()
            is_free = core.joined and not core.outgoing and self._release()
            if is_free and (frame is None or transport.send(frame)):
                return
            if time.monotonic() > deadline:
                break
            transport.wait(LISTEN_EVERY_S, writable=True)
        if frame is None and self._held:
            self._held_bytes -= len(self._held.pop())
        raise self.no_room()

    def _help(self) -> None:
        while True:
            self._something_is_held.wait()
            self._something_is_held.clear()
            time.sleep(HELD_S)
            with self._lock:
                if self.transport is None:
                    self._helper = None
                    return
                self._release()
