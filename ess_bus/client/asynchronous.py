"""`AsyncBus`: the client for asyncio programs. It watches the socket's file descriptor and drains it in bursts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Final, Self

from ess_bus.client.pending import Pending
from ess_bus.client.replies import value_of
from ess_bus.client.shell import Shell, about_process, answer_frame, refusal_frame
from ess_bus.control import Mode
from ess_bus.errors import RequestTimeout
from ess_bus.message import Message, encode_body

# Frames taken in one go before other tasks have their turn.
_BURST: Final = 256
_LINGER_S: Final = 0.5


class AsyncBus(Shell):
    """A connection to the broker, used inside one event loop. Methods that only send do not wait.

    ::

        async with AsyncBus(name="example") as bus:
            bus.publish("/components/bms_1", {"soc": 50})
            print(await bus.get("/ess/status/bms/BMSPower"))
            await bus.subscribe("/components")
            async for message in bus:
                print(message.uri, message.json())

    It reconnects and re-subscribes by itself.

    Raises:
        Disconnected: on entering, if there is no broker within ``timeouts.connect``.
    """

    _timer: asyncio.TimerHandle | None = None
    _scheduled = False

    async def __aenter__(self) -> Self:
        transport = self._dial()
        self._changed = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(transport.fileno(), self._exchange)
        try:
            self._exchange()
            await self._until_joined(self.timeouts.connect)
        except BaseException:
            self._shut(0.0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(_LINGER_S)

    # -- sending ---------------------------------------------------------------------------------------------------

    def publish(self, uri: str, value: Any) -> None:
        """Send a `pub`: to everyone who has subscribed, answered by nobody.

        Raises:
            Disconnected: there is no broker, or it takes no more now; nothing was sent.
        """
        self.send("pub", uri, value)

    def send(self, method: str, uri: str, value: Any = None, replyto: str | None = None) -> None:
        """Send a message and expect no answer.

        Raises:
            Disconnected, TooLarge, UriError: nothing was sent.
        """
        self._send(self._core.compose(self._core.message(method, uri, encode_body(value), replyto)))

    async def request(self, method: str, uri: str, value: Any = None, *, timeout_s: float | None = None) -> Message:
        """Send a request and return the reply.

        Raises:
            NoOneListening, Busy: at once, if it reached nobody.
            Refused: the owner of the URI answered with an error.
            RequestTimeout, Disconnected: no answer; the outcome is unknown.
        """
        if not self._core.joined:
            await self._until_joined(self.timeouts.connect if timeout_s is None else timeout_s)
        waiting, frame = self._core.request(method, uri, encode_body(value))
        try:
            self._send(frame)
        except BaseException:
            self._core.give_up(waiting)
            raise
        reply = await self._await(waiting, uri, timeout_s)
        return reply if reply is not None else Message("set", uri)

    async def get(self, uri: str, *, timeout_s: float | None = None) -> Any:
        """Return the value behind a URI; errors as `request`, and `ProtocolError` for an answer that is not JSON."""
        return value_of(await self.request("get", uri, timeout_s=timeout_s))

    async def set(self, uri: str, value: Any, *, timeout_s: float | None = None) -> Message:
        """Set a value and return the owner's answer; errors as `request`."""
        return await self.request("set", uri, value, timeout_s=timeout_s)

    def reply(self, request: Message, value: Any) -> None:
        """Answer a request; does nothing if the sender named no replyto."""
        self._answer(answer_frame(self._core, request, value))

    def refuse(self, request: Message, reason: str) -> None:
        """Answer a request with an error; does nothing if the sender named no replyto."""
        self._answer(refusal_frame(self._core, request, reason))

    # -- receiving -------------------------------------------------------------------------------------------------

    async def subscribe(self, *uris: str, pub_only: bool = False, passive: bool = False) -> None:
        """Receive what is sent to these URIs and below; see `Bus.subscribe`."""
        mode = Mode.PUB_ONLY if pub_only else Mode.PASSIVE if passive else Mode.ALL
        await self._await(self._core.subscribe(uris, mode), ", ".join(uris), None)

    async def unsubscribe(self, *uris: str) -> None:
        """Take subscriptions back; returns when that is in force."""
        await self._await(self._core.unsubscribe(uris), ", ".join(uris), None)

    async def announce(self, **facts: Any) -> None:
        """Answer ``get /processes/NAME`` from now on: this process is ready to serve."""
        await self._await(self._core.announce(about_process(facts, self.name)), self._core.process_uri, None)

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            while self._core.inbox:
                yield self._core.inbox.popleft()
            self._changed.clear()
            await self._changed.wait()

    # -- the engine room -------------------------------------------------------------------------------------------

    async def _until_joined(self, timeout_s: float) -> None:
        self._opened()
        try:
            async with asyncio.timeout(timeout_s):
                while not self._core.joined:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise self._no_broker() from None

    async def _await(self, waiting: Pending, what: str, timeout_s: float | None) -> Message | None:
        self._exchange()
        limit = self.timeouts.request if timeout_s is None else timeout_s
        arrived = asyncio.Event()
        waiting.when_done = arrived.set
        try:
            async with asyncio.timeout(limit):
                while not waiting.done:
                    await arrived.wait()
        except TimeoutError:
            raise RequestTimeout(what, limit) from None
        finally:
            self._core.give_up(waiting)
        return waiting.result()

    def _answer(self, frame: bytes | None) -> None:
        if frame is not None:
            self._send(frame)

    def _send(self, frame: bytes) -> None:
        transport, core = self._opened(), self._core
        if core.outgoing:
            self._exchange()
        if not core.joined or core.outgoing:
            raise self._no_room()
        sent = transport.send(frame)
        self._soon()
        if not sent:
            raise self._no_room()

    def _soon(self) -> None:
        """Drain again in this turn of the loop: sending may have used up the descriptor's edge."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._exchange)

    def _exchange(self) -> None:
        """Take what has arrived and send what is due."""
        self._scheduled = False
        if self._transport is None:
            return
        transport, core, now = self._transport, self._core, time.monotonic()
        for _ in range(_BURST):
            frame = transport.receive()
            if frame is None:
                break
            core.feed(frame, now)
        else:
            self._soon()
        wake = core.tick(now)
        while core.outgoing and transport.send(core.outgoing[0]):
            core.outgoing.popleft()
            self._soon()
        self._changed.set()
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, wake - now), self._exchange)

    def _shut(self, linger_s: float) -> None:
        transport, self._transport = self._transport, None
        if self._timer is not None:
            self._timer.cancel()
        if transport is not None:
            self._loop.remove_reader(transport.fileno())
            transport.close(linger_s)
