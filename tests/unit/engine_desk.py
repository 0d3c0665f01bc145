"""An engine on a real broker inside this process, and somebody who types at it: ``set`` and ``get``, text for text."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ess_bus.client import Bus
from ess_bus.client.subscription import Subscription
from ess_bus.control import Mode
from ess_bus.engine.engine import Engine
from ess_bus.engine.process import EngineProcess
from ess_bus.message import Message
from ess_bus.service.measures import Sample
from ess_bus.transport.memory import Hub

ROOTS = {f"/{root}": Mode.ALL for root in ("status", "controls", "assets", "site")} | {"/components": Mode.PUB_ONLY}


# Longer than any machine needs for one message.
PATIENCE_S = 30
PERSON = "person"


class Counting(EngineProcess):
    """Counts what it has handled of the person: it hears of others too, as of its own announcement."""

    from_person = 0

    def handle(self, message: Message) -> None:
        super().handle(message)
        self.from_person += message.process_name == PERSON


class Desk:
    """What a person has before him.

    Attributes:
        engine: behind the process.
        bus: his own connection.
    """

    def __init__(self, engine: Engine, process: Counting, bus: Bus) -> None:
        self.engine, self.bus, self._process = engine, bus, process
        self._me = bus.subscribe("/me")

    def say(self, method, uri, body=None) -> str:
        """Send a message; return the text of the answer."""
        text = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        self.bus.send(method, uri, text, None if method == "pub" else "/me")
        process, deadline_s = self._process, time.monotonic() + PATIENCE_S
        before = process.from_person
        while process.from_person == before and time.monotonic() < deadline_s:
            process.turn(1)
        if method == "pub":
            return ""
        reply = self._me.receive(PATIENCE_S)
        assert reply is not None, f"no answer to {method} {uri}"
        return (reply.body or b"").decode()

    def measured(self) -> dict[str, Sequence[Sample]]:
        """Return what the engine tells Prometheus."""
        return {one.name: one.samples for one in self._process.measures()}

    def turn(self) -> None:
        """Let the engine handle what is there."""
        self._process.turn(0)

    def heard(self, subscription: Subscription) -> list[Message]:
        """Return what has arrived."""
        return list(subscription.burst(0, 1000))


@contextmanager
def desk(name="ess", roots=None, owned=(), assignments=()) -> Iterator[Desk]:
    """Open a desk at an empty engine, or at one with a configuration."""
    hub = Hub()
    with Bus(name="engine", transport=hub.connect) as own, Bus(name=PERSON, transport=hub.connect) as bus:
        engine = Engine(name)
        engine.load(assignments)
        process = Counting(engine, own, ROOTS if roots is None else roots, owned)
        process.start()
        yield Desk(engine, process, bus)
