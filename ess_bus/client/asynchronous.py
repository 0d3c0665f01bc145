"""`AsyncBus`: the client for asyncio programs; the same as `Bus`, with everything that may wait awaited."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from ess_bus.client.async_worker import AsyncWorker
from ess_bus.client.inbox import DEFAULT_SIZE, Inbox
from ess_bus.client.replies import value_of
from ess_bus.client.service import AsyncHandler, is_request, refusals
from ess_bus.client.shell import Shell, about_process, answer_frame, refusal_frame
from ess_bus.client.subscription import AsyncSubscription
from ess_bus.message import Message, encode_body


class AsyncBus(Shell[AsyncWorker]):
    """A connection to the broker, used inside one event loop. Arguments and errors are those of `Bus`.

    ::

        async with AsyncBus(name="example") as bus:
            await bus.publish("/components/bms_1", {"soc": 50})
            print(await bus.get("/ess/status/bms/BMSPower"))
            async for message in await bus.subscribe("/components"):
                print(message.uri, message.json())

    It reconnects and re-subscribes by itself.

    Raises:
        Disconnected, ConfigurationError: on entering, as `Bus`.
    """

    _make_link = AsyncWorker

    async def __aenter__(self) -> Self:
        self._servants: set[asyncio.Task[None]] = set()
        self._link.open()
        try:
            await self._link.until(lambda: self._link.is_settled, self.timeouts.connect)
            if not self._core.joined:
                raise self._link.no_broker()
        except BaseException:
            self._link.shut(0.0)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for servant in self._servants:
            servant.cancel()
        await asyncio.gather(*self._servants, return_exceptions=True)
        self._link.leave()

    # -- sending ---------------------------------------------------------------------------------------------------

    async def publish(self, uri: str, value: Any) -> None:
        """Send a `pub`; waits only while the broker takes no more. See `Bus.publish`."""
        await self._link.send(self._core.frame("pub", uri, encode_body(value)))

    async def send(
        self, method: str, uri: str, value: Any = None, replyto: str | None = None, token: str | None = None
    ) -> None:
        """Send a message and do not wait for an answer. See `Bus.send`."""
        message = self._core.message(method, uri, encode_body(value), replyto, token)
        await self._link.send(self._core.compose(message))

    async def flush(self, timeout_s: float | None = None) -> None:
        """Return when the broker has handled everything that was sent. See `Bus.flush`."""
        await self._link.outcome(self._core.flush(), self.endpoint, timeout_s)
        if self._core.failures:
            raise self._core.failures.popleft()

    async def request(self, method: str, uri: str, value: Any = None, *, timeout_s: float | None = None) -> Message:
        """Send a request and return the reply. See `Bus.request`."""
        if not self._core.joined:
            limit = self.timeouts.connect if timeout_s is None else timeout_s
            await self._link.until(lambda: self._link.is_settled, limit)
        waiting, frame = self._core.request(method, uri, encode_body(value))
        try:
            await self._link.send(frame)
        except BaseException:
            self._core.give_up(waiting)
            raise
        reply = await self._link.outcome(waiting, uri, timeout_s)
        return reply if reply is not None else Message("set", uri)

    async def get(self, uri: str, *, timeout_s: float | None = None) -> Any:
        """Return the value behind a URI. See `Bus.get`."""
        return value_of(await self.request("get", uri, timeout_s=timeout_s))

    async def set(self, uri: str, value: Any, *, timeout_s: float | None = None) -> Message:
        """Set a value and return the owner's answer; errors as `request`."""
        return await self.request("set", uri, value, timeout_s=timeout_s)

    async def post(self, uri: str, value: Any, *, timeout_s: float | None = None) -> Message:
        """Create or append and return the owner's answer; errors as `request`."""
        return await self.request("post", uri, value, timeout_s=timeout_s)

    async def delete(self, uri: str, value: Any = None, *, timeout_s: float | None = None) -> Message:
        """Delete and return the owner's answer; errors as `request`."""
        return await self.request("del", uri, value, timeout_s=timeout_s)

    async def reply(self, request: Message, value: Any) -> None:
        """Answer a request; does nothing if the sender named no replyto."""
        frame = answer_frame(self._core, request, value)
        if frame is not None:
            await self._link.answer(frame)

    async def refuse(self, request: Message, reason: str) -> None:
        """Answer a request with an error; does nothing if the sender named no replyto."""
        frame = refusal_frame(self._core, request, reason)
        if frame is not None:
            await self._link.answer(frame)

    # -- receiving -------------------------------------------------------------------------------------------------

    async def subscribe(
        self, *uris: str, pub_only: bool = False, passive: bool = False, size: int = DEFAULT_SIZE
    ) -> AsyncSubscription:
        """Receive what is sent to these URIs and below; in force when this returns. See `Bus.subscribe`."""
        inbox = Inbox(size)
        subscription = AsyncSubscription(self._link, inbox)
        try:
            await subscription.add(*uris, pub_only=pub_only, passive=passive)
        except BaseException:
            self._core.unsubscribe(inbox)  # nobody will read from it
            raise
        return subscription

    async def serve(self, prefix: str, handler: AsyncHandler) -> AsyncSubscription:
        """Own a URI: a task calls `handler` with each request below it, one after another. See `Bus.serve`.

        The task ends with this bus; closing the subscription that is returned ends the service.
        """
        subscription = await self.subscribe(prefix)
        servant = asyncio.create_task(self._serve(subscription, handler), name=f"serve {prefix}")
        self._servants.add(servant)
        servant.add_done_callback(self._servants.discard)
        return subscription

    async def announce(self, **facts: Any) -> None:
        """Answer ``get /processes/NAME`` from now on: this process is ready to serve."""
        await self._link.outcome(self._core.announce(about_process(facts, self.name)), self._core.process_uri, None)

    async def _serve(self, subscription: AsyncSubscription, handler: AsyncHandler) -> None:
        async for message in subscription:
            if not is_request(message):
                continue
            value = None
            with refusals(message) as reasons:
                value = await handler(message)
            if reasons:
                await self.refuse(message, reasons[0])
            else:
                await self.reply(message, value)
