"""`Bus`: the client for plain, blocking programs. No thread: it works while one of its methods is being called."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from ess_bus.client.pending import Pending
from ess_bus.client.replies import value_of
from ess_bus.client.shell import Shell, about_process, answer_frame, refusal_frame
from ess_bus.control import Mode
from ess_bus.errors import RequestTimeout
from ess_bus.message import Message, encode_body

# A program that only publishes, or that works on what has arrived, still looks at what the broker says, this often.
_LISTEN_EVERY_S = 0.05
# How long a closing client lets its last frames leave.
_LINGER_S = 0.5


class Bus(Shell):
    """A connection to the broker, used by one thread.

    ::

        with Bus(name="example") as bus:
            bus.publish("/components/bms_1", {"soc": 50})
            print(bus.get("/ess/status/bms/BMSPower"))
            bus.subscribe("/components")
            for message in bus:
                print(message.uri, message.json())

    It reconnects and re-subscribes by itself.

    Raises:
        Disconnected: on entering, if there is no broker within ``timeouts.connect``.
    """

    _listened = 0.0

    def __enter__(self) -> Self:
        self._dial()
        try:
            if not self._work(lambda: self._core.joined, self.timeouts.connect):
                raise self._no_broker()
        except BaseException:
            self._shut(0.0)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye and close; what was sent has a moment to leave."""
        self._leave(_LINGER_S)

    # -- sending ---------------------------------------------------------------------------------------------------

    def publish(self, uri: str, value: Any) -> None:
        """Send a `pub`: to everyone who has subscribed, answered by nobody.

        Raises:
            Disconnected: there is no broker; nothing was sent.
        """
        self.send("pub", uri, value)

    def send(
        self, method: str, uri: str, value: Any = None, replyto: str | None = None, token: str | None = None
    ) -> None:
        """Send a message and do not wait for an answer; `flush` tells whether somebody received it.

        Args:
            method: ``get``, ``set``, ``pub``, ``post`` or ``del``.
            uri: where to.
            value: the body: bytes as they are, anything else as JSON.
            replyto: where the answer shall go; subscribe to it first.
            token: comes back as `Message.token` of the answer.

        Raises:
            Disconnected: there is no broker, or it takes nothing for ``timeouts.send``; nothing was sent.
            TooLarge, UriError: nothing was sent.
        """
        self._send(self._core.compose(self._core.message(method, uri, encode_body(value), replyto, token)))

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when the broker has handled everything that was sent.

        Raises:
            NoOneListening, Busy: a message sent without waiting for its answer reached nobody.
        """
        self._await(self._core.flush(), self.endpoint, timeout_s)
        if self._core.failures:
            raise self._core.failures.popleft()

    def request(self, method: str, uri: str, value: Any = None, *, timeout_s: float | None = None) -> Message:
        """Send a request and return the reply; messages that arrive meanwhile are kept for `receive`.

        Raises:
            NoOneListening, Busy: at once, if it reached nobody.
            Refused: the owner of the URI answered with an error.
            RequestTimeout, Disconnected: no answer; the outcome is unknown.
        """
        if not self._core.joined:
            self._work(lambda: self._core.joined, self.timeouts.connect if timeout_s is None else timeout_s)
        waiting, frame = self._core.request(method, uri, encode_body(value))
        try:
            self._send(frame)
        except BaseException:
            self._core.give_up(waiting)
            raise
        reply = self._await(waiting, uri, timeout_s)
        return reply if reply is not None else Message("set", uri)

    def get(self, uri: str, *, timeout_s: float | None = None) -> Any:
        """Return the value behind a URI; errors as `request`, and `ProtocolError` for an answer that is not JSON."""
        return value_of(self.request("get", uri, timeout_s=timeout_s))

    def set(self, uri: str, value: Any, *, timeout_s: float | None = None) -> Message:
        """Set a value and return the owner's answer; errors as `request`."""
        return self.request("set", uri, value, timeout_s=timeout_s)

    def reply(self, request: Message, value: Any) -> None:
        """Answer a request; does nothing if the sender named no replyto."""
        self._answer(answer_frame(self._core, request, value))

    def refuse(self, request: Message, reason: str) -> None:
        """Answer a request with an error; does nothing if the sender named no replyto."""
        self._answer(refusal_frame(self._core, request, reason))

    # -- receiving -------------------------------------------------------------------------------------------------

    def subscribe(self, *uris: str, pub_only: bool = False, passive: bool = False) -> None:
        """Receive what is sent to these URIs and below; returns when that is in force.

        Args:
            uris: prefixes of whole segments; ``/`` is everything.
            pub_only: only messages of method `pub`.
            passive: look on only: a request that reaches nobody else is still reported as not delivered.
        """
        mode = Mode.PUB_ONLY if pub_only else Mode.PASSIVE if passive else Mode.ALL
        self._await(self._core.subscribe(uris, mode), ", ".join(uris), None)

    def unsubscribe(self, *uris: str) -> None:
        """Take subscriptions back; returns when that is in force."""
        self._await(self._core.unsubscribe(uris), ", ".join(uris), None)

    def announce(self, **facts: Any) -> None:
        """Answer ``get /processes/NAME`` from now on: this process is ready to serve."""
        self._await(self._core.announce(about_process(facts, self.name)), self._core.process_uri, None)

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """Return the next message, or ``None`` if none came within `timeout_s` (default: wait for ever)."""
        if not self._core.inbox:
            self._work(lambda: bool(self._core.inbox), timeout_s)
        elif time.monotonic() - self._listened > _LISTEN_EVERY_S:
            self._exchange()
        return self._core.inbox.popleft() if self._core.inbox else None

    def burst(self, timeout_s: float, most: int) -> Iterator[Message]:
        """Yield the messages that are here, `most` at most; wait `timeout_s` for the first of them."""
        message = self.receive(timeout_s)
        while message is not None:
            yield message
            most -= 1
            message = self.receive(0) if most > 0 else None

    def __iter__(self) -> Iterator[Message]:
        while True:
            message = self.receive()
            if message is not None:
                yield message

    # -- the engine room -------------------------------------------------------------------------------------------

    def _await(self, waiting: Pending, what: str, timeout_s: float | None) -> Message | None:
        limit = self.timeouts.request if timeout_s is None else timeout_s
        if not self._work(lambda: waiting.done, limit):
            self._core.give_up(waiting)
            raise RequestTimeout(what, limit)
        return waiting.result()

    def _answer(self, frame: bytes | None) -> None:
        if frame is not None:
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        transport = self._opened()
        if time.monotonic() - self._listened > _LISTEN_EVERY_S:
            self._exchange()
        if self._core.joined and not self._core.outgoing and transport.send(frame):
            return
        deadline = time.monotonic() + self.timeouts.send
        while self._core.joined:
            self._exchange()
            if not self._core.outgoing and self._core.joined and transport.send(frame):
                return
            if time.monotonic() > deadline:
                break
            transport.wait(_LISTEN_EVERY_S, writable=True)
        raise self._no_room()

    def _work(self, done: Callable[[], bool], timeout_s: float | None) -> bool:
        """Send and receive until `done`; return whether it is."""
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while True:
            wake = self._exchange()
            if done():
                return True
            now = time.monotonic()
            if now >= deadline:
                return False
            self._opened().wait(max(0.0, min(deadline, wake) - now), writable=bool(self._core.outgoing))

    def _exchange(self) -> float:
        """Take what has arrived and send what is due; return when to look again at the latest."""
        transport, core = self._opened(), self._core
        now = self._listened = time.monotonic()
        for _ in range(1000):
            frame = transport.receive()
            if frame is None:
                break
            core.feed(frame, now)
        wake = core.tick(now)
        while core.outgoing and transport.send(core.outgoing[0]):
            core.outgoing.popleft()
        return wake

    def _shut(self, linger_s: float) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close(linger_s)
