"""`Bus`: the client for plain, blocking programs. It works while one of its methods is being called."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from ess_bus.client.inbox import DEFAULT_SIZE, Inbox
from ess_bus.client.pending import Pending
from ess_bus.client.replies import value_of
from ess_bus.client.service import Handler, is_request, refusals
from ess_bus.client.shell import Shell, about_process, answer_frame, refusal_frame
from ess_bus.client.subscription import Subscription
from ess_bus.client.worker import Worker
from ess_bus.errors import BusError, EssError
from ess_bus.message import Message, encode_body


class Bus(Shell[Worker]):
    """A connection to the broker, used by one thread.

    ::

        with Bus(name="example") as bus:
            bus.publish("/components/bms_1", {"soc": 50})
            print(bus.get("/ess/status/bms/BMSPower"))
            for message in bus.subscribe("/components"):
                print(message.uri, message.json())

    It reconnects and re-subscribes by itself.

    Args:
        endpoint: a bus name, ``ipc://PATH`` or ``tcp://HOST:PORT``; by default ``ESS_BUS`` or this user's default bus.
        name: what this client is called on the bus; by default the program's name.
        username: in whose name it sends; by default who runs it.
        timeouts: how long to wait for what.
        transport: makes the connection, in the place of ZeroMQ's (`ess_bus.transport.memory` for tests).

    Raises:
        Disconnected: on entering, if there is no broker within ``timeouts.connect``, or if it refuses this client.
        ConfigurationError: on entering, if the keys that the environment names cannot be used.
    """

    _make_link = Worker

    def __enter__(self) -> Self:
        self._services: list[tuple[Subscription, Handler]] = []
        self._link.dial()
        try:
            self._link.work(lambda: self._link.is_settled, self.timeouts.connect)
            if not self._core.joined:
                raise self._link.no_broker()
        except BaseException:
            self._link.shut(0.0)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Say goodbye and close; what was sent has a moment to leave."""
        self._link.leave()

    # -- sending ---------------------------------------------------------------------------------------------------

    def publish(self, uri: str, value: Any) -> None:
        """Send a `pub`: to everyone who has subscribed, answered by nobody.

        Raises:
            Disconnected: there is no broker; nothing was sent.
        """
        body = value if value.__class__ is bytes else encode_body(value)
        self._link.send(self._core.frame("pub", uri, body))

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
        self._link.send(self._core.compose(self._core.message(method, uri, encode_body(value), replyto, token)))

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when the broker has handled everything that was sent.

        Raises:
            NoOneListening, Busy, Refused: a message sent without waiting for its answer was not delivered.
            RequestTimeout, Disconnected: it is not known what was handled.
        """
        self._link.outcome(self._core.flush(), self.endpoint, timeout_s)
        if self._core.failures:
            raise self._core.failures.popleft()

    def request(self, method: str, uri: str, value: Any = None, *, timeout_s: float | None = None) -> Message:
        """Send a request and return the reply; messages that arrive meanwhile are kept for their subscriptions.

        Raises:
            NoOneListening, Busy: at once, if it reached nobody.
            Refused: the owner of the URI answered with an error, or a rule of the broker forbids it.
            RequestTimeout, Disconnected: no answer; the outcome is unknown unless `Disconnected.outcome` says more.
        """
        if not self._core.joined:
            self._link.work(lambda: self._link.is_settled, self.timeouts.connect if timeout_s is None else timeout_s)
        waiting, frame = self._core.request(method, uri, encode_body(value))
        try:
            self._link.send(frame)
        except BaseException:
            self._core.give_up(waiting)
            raise
        reply = self._link.outcome(waiting, uri, timeout_s)
        return reply if reply is not None else Message("set", uri)

    def get(self, uri: str, *, timeout_s: float | None = None) -> Any:
        """Return the value behind a URI; errors as `request`, and `ProtocolError` for an answer that is not JSON."""
        return value_of(self.request("get", uri, timeout_s=timeout_s))

    def set(self, uri: str, value: Any, *, timeout_s: float | None = None) -> Message:
        """Set a value and return the owner's answer; errors as `request`."""
        return self.request("set", uri, value, timeout_s=timeout_s)

    def set_all(self, values: Iterable[tuple[str, Any]], timeout_s: float | None = None) -> list[Message | EssError]:
        """Set values one after the other without waiting in between; return the answers in the same order.

        Where there is none, there is the error that `set` would raise: one that fails does not hold up the others.
        """
        deadline = time.monotonic() + (self.timeouts.request if timeout_s is None else timeout_s)
        if not self._core.joined:
            self._link.work(lambda: self._link.is_settled, self.timeouts.connect if timeout_s is None else timeout_s)
        under_way: list[tuple[str, Pending | EssError]] = []
        try:
            for uri, value in values:
                under_way.append((uri, self._ask("set", uri, value)))
            return [self._outcome(uri, one, deadline) for uri, one in under_way]
        finally:
            for _, one in under_way:
                if isinstance(one, Pending):
                    self._core.give_up(one)

    def post(self, uri: str, value: Any, *, timeout_s: float | None = None) -> Message:
        """Create or append and return the owner's answer; errors as `request`."""
        return self.request("post", uri, value, timeout_s=timeout_s)

    def delete(self, uri: str, value: Any = None, *, timeout_s: float | None = None) -> Message:
        """Delete and return the owner's answer; errors as `request`."""
        return self.request("del", uri, value, timeout_s=timeout_s)

    def reply(self, request: Message, value: Any) -> None:
        """Answer a request; does nothing if the sender named no replyto."""
        frame = answer_frame(self._core, request, value)
        if frame is not None:
            self._link.answer(frame)

    def refuse(self, request: Message, reason: str) -> None:
        """Answer a request with an error; does nothing if the sender named no replyto."""
        frame = refusal_frame(self._core, request, reason)
        if frame is not None:
            self._link.answer(frame)

    # -- receiving -------------------------------------------------------------------------------------------------

    def subscribe(
        self, *uris: str, pub_only: bool = False, passive: bool = False, size: int = DEFAULT_SIZE
    ) -> Subscription:
        """Receive what is sent to these URIs and below; in force when this returns.

        Args:
            uris: prefixes of whole segments; ``/`` is everything.
            pub_only: only messages of method `pub`.
            passive: look on only: a request that reaches nobody else is still reported as not delivered.
            size: how many messages may wait for the program before the oldest is dropped and counted.
        """
        inbox = Inbox(size)
        subscription = Subscription(self._link, inbox)
        try:
            subscription.add(*uris, pub_only=pub_only, passive=passive)
        except BaseException:
            self._core.unsubscribe(inbox)  # nobody will read from it
            raise
        return subscription

    def serve(self, prefix: str, handler: Handler) -> Subscription:
        """Own a URI: `run` calls `handler` with each get, set, post and del below it, and answers with what it returns.

        A `Refused` or `ValueError` of the handler is the answer of an error. It may use this bus as it likes: requests
        that arrive meanwhile wait. Closing the subscription that is returned ends the service.
        """
        subscription = self.subscribe(prefix)
        self._services.append((subscription, handler))
        return subscription

    def run(self, timeout_s: float | None = None) -> None:
        """Handle the requests of everything that is served, for ever or for `timeout_s` seconds."""
        deadline = float("inf") if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = None if timeout_s is None else deadline - time.monotonic()
            if not self._link.work(lambda: any(one.waiting for one, _ in self._services), left):
                return
            for subscription, handler in list(self._services):
                for message in subscription.burst(0, subscription.waiting):
                    if is_request(message):
                        self._handle(message, handler)

    def announce(self, **facts: Any) -> None:
        """Answer ``get /processes/NAME`` from now on: this process is ready to serve."""
        self._link.outcome(self._core.announce(about_process(facts, self.name)), self._core.process_uri, None)

    def begin(self, uri: str) -> Pending | EssError:
        """Send a get and wait for nothing; return where its outcome will be while others read, or why it was not sent.

        It is there for ever, unless it is answered, the broker goes away, or `give_up` is called.
        """
        return self._ask("get", uri, None)

    def give_up(self, asked: Pending) -> None:
        """Forget what `begin` has begun."""
        self._core.give_up(asked)

    def _ask(self, method: str, uri: str, value: Any) -> Pending | EssError:
        """Send a request; return where its outcome will be, or why it was not sent."""
        try:
            waiting, frame = self._core.request(method, uri, encode_body(value))
        except EssError as error:
            return error
        try:
            self._link.send(frame)
        except EssError as error:
            self._core.give_up(waiting)
            return error
        except BaseException:
            self._core.give_up(waiting)
            raise
        return waiting

    def _outcome(self, uri: str, asked: Pending | EssError, deadline: float) -> Message | EssError:
        if isinstance(asked, EssError):
            return asked
        try:
            reply = self._link.outcome(asked, uri, max(0.0, deadline - time.monotonic()))
        except BusError as error:
            return error
        return reply if reply is not None else Message("set", uri)

    def _handle(self, message: Message, handler: Handler) -> None:
        value = None
        with refusals(message) as reasons:
            value = handler(message)
        if reasons:
            self.refuse(message, reasons[0])
        else:
            self.reply(message, value)
