"""A real broker core and real client cores, connected frame by frame: no sockets, a clock that only the test moves."""

from __future__ import annotations

from itertools import count
from typing import Any

from ess_bus import batch, control
from ess_bus.broker.clients import Origin
from ess_bus.broker.core import Broker
from ess_bus.broker.gate import Gate
from ess_bus.broker.limits import Limits
from ess_bus.broker.outbox import Delivery
from ess_bus.client.core import ClientCore
from ess_bus.client.inbox import Inbox
from ess_bus.client.pending import Pending
from ess_bus.control import Mode, Verb
from ess_bus.message import Message, Status, encode_body
from ess_bus.uri import normal


class End:
    """One client core and its connection.

    Attributes:
        room: how many frames its connection holds before the broker finds it full.
        reads: whether it takes frames out of its connection.
        gone: whether the connection is closed, so that the broker's next frame fails.
        silent: whether what it says is lost, and what is said to it too: a broker that hangs.
    """

    def __init__(self, wire: Wire, peer: bytes, core: ClientCore, proven: str | None = None) -> None:
        self.wire, self.peer, self.core = wire, peer, core
        self.origin = Origin("a wire", proven)
        self.inbox = Inbox()
        self.queue: list[bytes] = []
        self.room = 1_000_000
        self.reads, self.gone, self.silent = True, False, False

    def send(self, method: str, uri: str, value: Any = None, replyto: str | None = None) -> None:
        self.wire.carry(self, self.core.compose(self.core.message(method, uri, encode_body(value), replyto)))

    def request(self, method: str, uri: str, value: Any = None) -> Pending:
        pending, frame = self.core.request(method, uri, encode_body(value))
        self.wire.carry(self, frame)
        return pending

    def answer(self, request: Message, value: Any, status: Status = Status.OK) -> None:
        frame = self.core.answer(request, status, encode_body(value))
        if frame is not None:
            self.wire.carry(self, frame)

    def subscribe(self, *uris: str, mode: Mode = Mode.ALL) -> Pending:
        return self.core.subscribe(self.inbox, {**self.inbox.modes, **dict.fromkeys(uris, mode)})

    def unsubscribe(self, *uris: str) -> Pending:
        kept = {uri: mode for uri, mode in self.inbox.modes.items() if uri not in map(normal, uris)}
        return self.core.subscribe(self.inbox, kept)

    def take(self) -> list[Message]:
        """Return the messages that have arrived, and forget them."""
        self.wire.settle()
        found = list(self.inbox.messages)
        self.inbox.messages.clear()
        return found

    def bodies(self) -> list[bytes | None]:
        return [message.body for message in self.take()]


class Wire:
    """The connections between one broker and its clients."""

    def __init__(self, limits: Limits = Limits(), gate: Gate | None = None) -> None:
        self.now = 100.0
        self.limits = limits
        self.ends: dict[bytes, End] = {}
        self._numbers = count(1)
        self.broker = Broker(self._hand_over, limits, self.now, gate)

    def client(
        self,
        name: str = "client",
        *uris: str,
        mode: Mode = Mode.ALL,
        username: str | None = "user",
        proven: str | None = None,
    ) -> End:
        """Return a client that is connected, joined and has subscribed; `proven` is who its connection belongs to."""
        end = self.connect(ClientCore(name, username, self.now), proven)
        self.settle()
        if uris:
            pending = end.subscribe(*uris, mode=mode)
            self.settle()
            assert pending.done
            pending.result()
        assert end.core.joined
        return end

    def connect(self, core: ClientCore, proven: str | None = None) -> End:
        """Return the end of a new connection, on which nothing has been said."""
        peer = b"peer %d" % next(self._numbers)
        end = self.ends[peer] = End(self, peer, core, proven)
        return end

    def carry(self, end: End, frame: bytes) -> None:
        """Bring one frame to the broker."""
        if not end.silent and not end.gone:
            self.broker.receive(end.peer, frame, self.now, end.origin)
            self.broker.flush(self.now)

    def settle(self) -> None:
        """Move frames both ways until there are none."""
        moved = True
        while moved:
            moved = False
            for end in list(self.ends.values()):
                while end.reads and end.queue:
                    end.core.feed(end.queue.pop(0), self.now)
                    moved = True
                if end.gone or not end.reads:
                    continue
                end.core.tick(self.now)
                while end.core.outgoing:
                    self.carry(end, end.core.outgoing.popleft())
                    moved = True

    def advance(self, seconds: float) -> None:
        """Let time pass in half seconds; the broker ticks once a second."""
        for half in range(int(seconds * 2)):
            self.now += 0.5
            if half % 2:
                self.broker.tick(self.now)
                self.broker.flush(self.now)
            self.broker.retry(self.now)
            self.settle()

    def restart_broker(self) -> None:
        """Put a new broker behind the same clients; each has a new connection, as after a reconnect."""
        self.broker = Broker(self._hand_over, self.limits, self.now, self.broker.gate)
        ends, self.ends = list(self.ends.values()), {}
        for end in ends:
            end.peer = b"peer %d" % next(self._numbers)
            end.queue.clear()
            self.ends[end.peer] = end

    def control_verbs(self, end: End) -> list[Verb]:
        """Return the verbs of the control frames that wait in a connection."""
        frames = [
            inner for frame in end.queue for inner in (batch.unpack(frame) if frame[:1] == batch.MARK else [frame])
        ]
        return [control.decode(frame)[0] for frame in frames if frame[:1] == control.MARK]

    def _hand_over(self, peer: bytes, frame: bytes) -> Delivery:
        end = self.ends.get(peer)
        if end is None or end.gone:
            return Delivery.GONE
        if len(end.queue) >= end.room:
            return Delivery.FULL
        if not end.silent:
            end.queue.append(frame)
        return Delivery.SENT


def outcome(wire: Wire, pending: Pending) -> Any:
    """Return the outcome of what must be over now."""
    wire.settle()
    assert pending.done
    return pending.result()


def ask(wire: Wire, end: End, uri: str) -> Any:
    """Return the value of a get that the broker or an automatic answer serves."""
    return outcome(wire, end.request("get", uri)).json()
