"""Programs under load, each in a thread of its own, that remember what happened to every one of their messages."""

from __future__ import annotations

import threading
from collections import Counter
from types import TracebackType
from typing import Self

from ess_bus.client import Bus, Timeouts
from ess_bus.errors import BusError, Outcome
from ess_bus.message import Message

TIMEOUTS = Timeouts(connect=60, request=3, send=3)


class Worker:
    """Calls `work` again and again until it is told to stop; an error that is not the bus's fails the test."""

    def __init__(self, endpoint: str, name: str) -> None:
        self.bus = Bus(endpoint, name=name, timeouts=TIMEOUTS)
        self.failure: BaseException | None = None
        self._ready, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def prepare(self) -> None:
        """Do what comes first on the open bus."""

    def work(self) -> None:
        """Do one piece of work; it may end in any `BusError`."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        try:
            with self.bus:
                self.prepare()
                self._ready.set()
                while not self._stopping.is_set():
                    try:
                        self.work()
                    except BusError:
                        continue
        except BaseException as error:  # noqa: BLE001 - it is raised where the test can see it
            self.failure = error
            self._ready.set()


class RememberingOwner(Worker):
    """Answers every request with its own body; `seen` counts the requests by it."""

    def __init__(self, endpoint: str, uri: str) -> None:
        super().__init__(endpoint, f"owner of {uri[1:]}")
        self.uri = uri
        self.seen: Counter[bytes] = Counter()

    def prepare(self) -> None:
        self.inbox = self.bus.subscribe(self.uri)

    def work(self) -> None:
        message = self.inbox.receive(0.05)
        if message is not None:
            self.seen[message.body or b""] += 1
            self.bus.reply(message, message.body)


class Requester(Worker):
    """Sends one set after the other; `outcomes` says what became of each: "ok", or the `outcome` of its error."""

    def __init__(self, endpoint: str, name: str, uris: list[str]) -> None:
        super().__init__(endpoint, name)
        self.uris = uris
        self.outcomes: dict[bytes, list[str]] = {}
        self.errors: list[BusError] = []

    def work(self) -> None:
        number = len(self.outcomes)
        body = b"%s %d" % (self.bus.name.encode(), number)
        outcomes = self.outcomes[body] = []
        try:
            reply: Message = self.bus.set(self.uris[number % len(self.uris)], body)
        except BusError as error:
            outcomes.append(Outcome(error.outcome).value)
            self.errors.append(error)
        else:
            assert reply.body == body, "the answer to another request"
            outcomes.append("ok")

    @property
    def ok(self) -> int:
        """How many were answered."""
        return sum(outcomes == ["ok"] for outcomes in list(self.outcomes.values()))


class Publisher(Worker):
    """Publishes 0, 1, 2, ... to a URI; `sent` are those that were handed over."""

    def __init__(self, endpoint: str, uri: str) -> None:
        super().__init__(endpoint, f"publisher of {uri[1:]}")
        self.uri = uri
        self.sent = self.next = 0

    def work(self) -> None:
        number, self.next = self.next, self.next + 1
        self.bus.publish(self.uri, number)
        self.sent += 1
        if not number % 100:
            self.bus.flush()


class Listener(Worker):
    """Receives what is published below a URI, by URI."""

    def __init__(self, endpoint: str, uri: str) -> None:
        super().__init__(endpoint, f"listener to {uri[1:]}")
        self.uri = uri
        self.received: dict[str, list[int]] = {}

    def prepare(self) -> None:
        self.inbox = self.bus.subscribe(self.uri, pub_only=True)

    def work(self) -> None:
        for message in self.inbox.burst(0.05, 1000):
            self.received.setdefault(message.uri, []).append(message.json())
