"""`Worker`: the engine room of the blocking client. No thread: it works while one of the client's methods is called."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from ess_bus.client.link import Link
from ess_bus.client.pending import Pending
from ess_bus.errors import RequestTimeout
from ess_bus.message import Message

# A program that only publishes, or that works on what has arrived, still looks at what the broker says, this often.
LISTEN_EVERY_S: Final = 0.05
# The first look: by then everything that was said before is there, and the clock has not moved far.
SOON_S: Final = 0.1
# Frames taken in one look, so that a program that wants to do something else comes to it.
ONE_LOOK: Final = 100


class Worker(Link):
    """Moves frames for one thread."""

    _listened = 0.0

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
        core = self.core
        if time.monotonic() - self._listened > LISTEN_EVERY_S:
            self.listen()
        transport = self.transport or self.opened()
        if core.joined and not core.outgoing and transport.send(frame):
            return
        deadline = time.monotonic() + self.timeouts.send
        while core.joined:
            self.listen()
            if core.joined and not core.outgoing and transport.send(frame):
                return
            if time.monotonic() > deadline:
                break
            transport.wait(LISTEN_EVERY_S, writable=True)
        raise self.no_room()

    def listen_if_due(self) -> None:
        """Look at what the broker says if that was some time ago."""
        if time.monotonic() - self._listened > LISTEN_EVERY_S:
            self.listen()

    def listen(self) -> None:
        """Look at what the broker says, once: the rest waits where it is bounded."""
        self.work(lambda: False, 0.0)

    def work(self, done: Callable[[], bool], timeout_s: float | None) -> bool:
        """Send and receive until `done`; return whether it is."""
        transport, core = self.opened(), self.core
        now = self._listened = time.monotonic()
        deadline = float("inf") if timeout_s is None else now + timeout_s
        left, has_looked, wake = ONE_LOOK, False, now + SOON_S
        while True:
            frame = transport.receive()
            if frame is not None:
                core.feed(frame, now)
                left -= 1
            elif has_looked or not core.joined:
                # Only now, when all that was said has been heard, can silence be told. Who has not been welcomed yet
                # hears nothing before it says hello.
                self.notice_loss()
                wake = core.tick(now)
            if core.outgoing:
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
