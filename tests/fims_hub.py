"""A real broker core behind a real socket of the original: one thread, and a clock that only the test moves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ess_bus import batch, control
from ess_bus.broker.core import Broker
from ess_bus.broker.fims_connection import FimsPeer
from ess_bus.broker.fims_listener import FimsListener
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import Delivery
from ess_bus.control import Verb
from ess_bus.message import Message, decode, encode
from tests.fims_client import FimsClient, Received


class Native:
    """A client of the bus's own protocol, frame by frame."""

    def __init__(self, hub: Hub, name: str, uris: tuple[str, ...]) -> None:
        self.hub, self.name, self.peer = hub, name, name.encode()
        self.frames: list[bytes] = []
        hub.natives[self.peer] = self
        listed = tuple((uri, "all") for uri in uris)
        self.say(control.encode(Verb.HELLO, control.VERSION, name, "", 1, "", listed))

    def say(self, frame: bytes) -> None:
        self.hub.broker.receive(self.peer, frame, self.hub.now)
        self.hub.settle()

    def send(self, method: str, uri: str, body: bytes | None = None, replyto: str | None = None, **more: Any) -> None:
        self.say(encode(Message(method, uri, body, replyto, self.name, **more)))

    def _take(self) -> list[bytes]:
        frames, self.frames = self.frames, []
        return [inner for frame in frames for inner in (batch.unpack(frame) if frame[:1] == b"*" else [frame])]

    def got(self) -> list[Message]:
        """Return the messages that have come, and forget all."""
        return [decode(frame) for frame in self._take() if frame[:1] != control.MARK]

    def told(self, verb: Verb) -> list[tuple[Any, ...]]:
        """Return the fields of the control frames of one verb that have come, and forget all."""
        controls = [control.decode(frame) for frame in self._take() if frame[:1] == control.MARK]
        return [fields for found, fields in controls if found is verb]


class Hub:
    """The broker, its listener, and those who talk to them."""

    def __init__(self, path: Path, limits: Limits = Limits(), **options: Any) -> None:
        self.now = 100.0
        self.path = path
        self.natives: dict[bytes, Native] = {}
        self.listener = FimsListener(path, **options)
        self.broker = Broker(self._send, limits, self.now)
        # Natives whose connection is closed, or full.
        self.gone: set[bytes] = set()
        self.refusing: set[bytes] = set()
        self._clients: list[FimsClient] = []

    def settle(self) -> None:
        """Move everything that can move."""
        while (received := self.listener.receive(self.broker.clients)) is not None:
            peer, frame, origin = received
            self.broker.receive_all(peer, frame, self.now, origin)
            self.broker.flush(self.now)
        self.broker.flush(self.now)
        self.broker.retry(self.now)
        if self.listener.is_pending:
            self.settle()

    def advance(self, seconds: int) -> None:
        """Let the broker's time pass."""
        for _ in range(seconds):
            self.now += 1.0
            self.broker.tick(self.now)
            self.listener.tick(self.broker.clients)
            for peer, count in self.listener.take_losses():
                self.broker.note_lost(peer, count)
            self.settle()

    def connect(self) -> FimsClient:
        """Return a client that has only connected."""
        client = FimsClient(self.path, joins=False)
        self._clients.append(client)
        self.settle()
        return client

    def client(self, name: str, *uris: str, pub_only: bool = False) -> FimsClient:
        """Return a client that has joined and subscribed."""
        client = self.connect()
        client.name = name.encode()
        client.join()
        self.settle()
        if uris:
            client.ask_to_subscribe(*uris, pub_only=pub_only)
            self.settle()
            assert client.receive().body == b"SUCCESS"
        return client

    def waiting(self, client: FimsClient) -> list[Received]:
        """Return everything that a client can read now."""
        found = []
        self.settle()
        client.socket.setblocking(False)
        while True:
            try:
                found.append(client.receive(0))
            except BlockingIOError:
                client.socket.settimeout(10)
                return found
            # There is room again for what waits.
            self.settle()

    def known(self, name: str) -> Any:
        """Return what the broker knows of a client."""
        return next((client for client in self.broker.clients.values() if client.name == name), None)

    def close(self) -> None:
        for client in self._clients:
            client.close()
        self.listener.close()

    def _send(self, peer: bytes, frame: bytes) -> Delivery:
        if isinstance(peer, FimsPeer):
            return self.listener.send(peer, frame)
        if peer in self.gone or peer in self.refusing:
            return Delivery.GONE if peer in self.gone else Delivery.FULL
        self.natives[peer].frames.append(frame)
        return Delivery.SENT
