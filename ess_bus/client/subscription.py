"""Subscriptions: what a program receives through. One class for each client, alike but for how they wait."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ess_bus.client.inbox import Inbox
from ess_bus.control import Mode, Subscriptions
from ess_bus.message import Message
from ess_bus.uri import normal

if TYPE_CHECKING:
    from ess_bus.client.async_worker import AsyncWorker
    from ess_bus.client.worker import Worker


class _Subscription:
    """What both kinds say of themselves."""

    _inbox: Inbox

    @property
    def uris(self) -> tuple[str, ...]:
        """What is subscribed to."""
        return tuple(self._inbox.modes)

    @property
    def waiting(self) -> int:
        """Messages that have arrived and were not taken yet."""
        return len(self._inbox.messages)

    @property
    def dropped(self) -> int:
        """Messages that were pushed out because too many waited; those that the broker dropped are not among them."""
        return self._inbox.dropped

    def _with(self, uris: tuple[str, ...], pub_only: bool, passive: bool) -> Subscriptions:
        return {**self._inbox.modes, **_modes(uris, pub_only, passive)}

    def _without(self, uris: tuple[str, ...]) -> Subscriptions:
        gone = {normal(uri) for uri in uris}
        return {uri: mode for uri, mode in self._inbox.modes.items() if uri not in gone}


class Subscription(_Subscription):
    """Messages in the order of each sender: an iterator, and a context manager that ends it."""

    def __init__(self, worker: Worker, inbox: Inbox) -> None:
        self._worker = worker
        self._inbox = inbox

    def add(self, *uris: str, pub_only: bool = False, passive: bool = False) -> None:
        """Subscribe to more, or change the kind of what is subscribed to; in force when this returns."""
        self._change(self._with(uris, pub_only, passive))

    def remove(self, *uris: str) -> None:
        """Take some back; nothing more arrives because of them when this returns."""
        self._change(self._without(uris))

    def replace(self, *uris: str, pub_only: bool = False, passive: bool = False) -> None:
        """Subscribe to exactly these; in force when this returns."""
        self._change(_modes(uris, pub_only, passive))

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """Return the next message, or ``None`` if none came within `timeout_s` (default: wait for ever)."""
        messages = self._inbox.messages
        if messages:
            self._worker.listen_if_due()
        else:
            self._worker.work(lambda: bool(messages), timeout_s)
        return messages.popleft() if messages else None

    def burst(self, timeout_s: float, most: int) -> Iterator[Message]:
        """Yield the messages that are here, `most` at most; wait `timeout_s` for the first of them."""
        message = self.receive(timeout_s) if most > 0 else None
        while message is not None:
            yield message
            most -= 1
            message = self.receive(0) if most > 0 else None

    def close(self) -> None:
        """End it; what waits is dropped."""
        pending = self._worker.core.unsubscribe(self._inbox)
        self._inbox.messages.clear()
        if self._worker.transport is not None:
            self._worker.outcome(pending, "a subscription", None)

    def _change(self, wanted: Subscriptions) -> None:
        self._worker.outcome(self._worker.core.subscribe(self._inbox, wanted), ", ".join(wanted), None)

    def __iter__(self) -> Iterator[Message]:
        messages, worker = self._inbox.messages, self._worker
        while True:
            # The clock is not looked at after each message: that would cost as much as to take it.
            for _ in range(min(len(messages), 64)):
                yield messages.popleft()
                if not messages:
                    break
            if messages:
                worker.listen_if_due()
            else:
                worker.work(lambda: bool(messages), None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncSubscription(_Subscription):
    """Messages in the order of each sender: an asynchronous iterator, and a context manager that ends it."""

    def __init__(self, worker: AsyncWorker, inbox: Inbox) -> None:
        self._worker = worker
        self._inbox = inbox

    async def add(self, *uris: str, pub_only: bool = False, passive: bool = False) -> None:
        """Subscribe to more, or change the kind of what is subscribed to; in force when this returns."""
        await self._change(self._with(uris, pub_only, passive))

    async def remove(self, *uris: str) -> None:
        """Take some back; nothing more arrives because of them when this returns."""
        await self._change(self._without(uris))

    async def replace(self, *uris: str, pub_only: bool = False, passive: bool = False) -> None:
        """Subscribe to exactly these; in force when this returns."""
        await self._change(_modes(uris, pub_only, passive))

    async def receive(self, timeout_s: float | None = None) -> Message | None:
        """Return the next message, or ``None`` if none came within `timeout_s` (default: wait for ever)."""
        messages = self._inbox.messages
        if not messages:
            await self._worker.until(lambda: bool(messages), timeout_s)
        return messages.popleft() if messages else None

    async def close(self) -> None:
        """End it; what waits is dropped."""
        pending = self._worker.core.unsubscribe(self._inbox)
        self._inbox.messages.clear()
        if self._worker.transport is not None:
            await self._worker.outcome(pending, "a subscription", None)

    async def _change(self, wanted: Subscriptions) -> None:
        await self._worker.outcome(self._worker.core.subscribe(self._inbox, wanted), ", ".join(wanted), None)

    async def __aiter__(self) -> AsyncIterator[Message]:
        messages, worker = self._inbox.messages, self._worker
        while True:
            while messages:
                yield messages.popleft()
            await worker.until(lambda: bool(messages), None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _modes(uris: tuple[str, ...], pub_only: bool, passive: bool) -> Subscriptions:
    return dict.fromkeys(uris, Mode.PUB_ONLY if pub_only else Mode.PASSIVE if passive else Mode.ALL)
