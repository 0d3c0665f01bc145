"""`Peer`: a client that speaks frames, and nothing that a test has not told it to; it only answers pings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from ess_bus import batch, control
from ess_bus.control import Mode, Verb
from ess_bus.message import Message, Status, decode, encode
from ess_bus.transport.base import Transport

PATIENCE_S = 60.0
_numbers = count(1000)


class Peer:
    """One connection.

    Attributes:
        frames: the message frames that have come, unpacked from batches, and `controls` the control frames.
        all: every frame that ever came, in order.
        answers_pings: whether a ping is answered as soon as it is read.
    """

    def __init__(self, transport: Transport, name: str) -> None:
        self.transport, self.name = transport, name
        self.all: list[bytes] = []
        self.frames: list[bytes] = []
        self.controls: list[tuple[Verb, tuple[Any, ...]]] = []
        self.answers_pings = True
        self.id = ""
        self._is_closed = False

    def send(self, *frames: bytes) -> None:
        """Send frames one by one, waiting for the connection or for room where there is none."""
        deadline = time.monotonic() + PATIENCE_S
        for frame in frames:
            while not self.transport.send(frame):
                assert time.monotonic() < deadline, f"{self.name} could not send"
                if not self.look():
                    self.transport.wait(0.01, writable=True)

    def say(self, verb: Verb, *fields: object) -> None:
        self.send(control.encode(verb, *fields))

    def message(
        self,
        method: str,
        uri: str,
        body: bytes | None = None,
        replyto: str | None = None,
        *,
        waits: bool = True,
        **more: Any,
    ) -> bytes:
        """Send a message and return its frame, if it `waits` when the broker has handled it."""
        frame = encode(Message(method, uri, body, replyto, self.name, **more))
        self.send(frame)
        if waits:
            self.sync()
        return frame

    def reply(self, request: Message, body: bytes | None, status: Status = Status.OK) -> None:
        assert request.replyto is not None
        self.message("set", request.replyto, body, status=status, token=request.token)

    def hello(self, *subscriptions: tuple[str, str], version: int = control.VERSION, earlier: str = "") -> None:
        self.say(Verb.HELLO, version, self.name, "somebody", 4711, earlier, subscriptions)

    def join(self, *uris: str, mode: Mode = Mode.ALL, earlier: str = "") -> Peer:
        """Say hello and return when welcome."""
        self.hello(*((uri, mode.value) for uri in uris), earlier=earlier)
        _, self.id, _ = self.control(Verb.WELCOME)
        return self

    def change(self, verb: Verb, listed: tuple[object, ...]) -> str | None:
        """Change subscriptions; return the reason why that was refused, if it was."""
        sequence = next(_numbers)
        self.say(verb, sequence, listed)
        answered, reason = self.control(Verb.SUBSCRIBED)
        assert answered == sequence
        assert reason is None or isinstance(reason, str)
        return reason

    def look(self, timeout_s: float = 0.0) -> bool:
        """Take what is here; return whether there was anything."""
        frame = self.transport.receive()
        if frame is None:
            self.transport.wait(timeout_s)
            frame = self.transport.receive()
        if frame is None:
            return False
        for inner in batch.unpack(frame) if frame[:1] == batch.MARK else [frame]:
            self._sort(inner)
        return True

    def _sort(self, frame: bytes) -> None:
        assert frame[:1] != batch.MARK
        self.all.append(frame)
        if frame[:1] != control.MARK:
            self.frames.append(frame)
            return
        verb, fields = control.decode(frame)
        self.controls.append((verb, fields))
        if verb is Verb.PING and self.answers_pings:
            self.transport.send(control.encode(Verb.PONG, *fields))

    def until(self, condition: Callable[[], object]) -> None:
        """Read until a condition holds."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"{self.name} waited in vain; it has {self.controls} {self.frames}"
            self.look(0.1)

    def control(self, verb: Verb) -> tuple[Any, ...]:
        """Wait for a control frame, and return its fields."""
        self.until(lambda: any(found is verb for found, _ in self.controls))
        index = next(index for index, (found, _) in enumerate(self.controls) if found is verb)
        return self.controls.pop(index)[1]

    def sync(self) -> None:
        """Return when the broker has handled what was sent, and everything that was due before that is here."""
        number = next(_numbers)
        self.say(Verb.PING, number)
        self.until(lambda: (Verb.PONG, (number,)) in self.controls)
        self.controls.remove((Verb.PONG, (number,)))

    def take(self) -> list[Message]:
        """Return the messages that were due until now, and forget them."""
        self.sync()
        frames, self.frames = self.frames, []
        return [decode(frame) for frame in frames]

    def bodies(self) -> list[bytes | None]:
        return [message.body for message in self.take()]

    def told(self, *verbs: Verb) -> Iterator[tuple[Verb, tuple[Any, ...]]]:
        """Return the control frames that were due until now, but for pings."""
        self.sync()
        found, self.controls = self.controls, []
        return ((verb, fields) for verb, fields in found if verb is not Verb.PING and (not verbs or verb in verbs))

    def errors(self) -> list[str]:
        return [fields[0] for _, fields in self.told(Verb.ERROR)]

    def undelivered(self) -> list[tuple[Any, ...]]:
        return [fields for _, fields in self.told(Verb.UNDELIVERED)]

    def cut(self) -> None:
        """Close the connection without a word."""
        if not self._is_closed:
            self._is_closed = True
            self.transport.close()

    def close(self) -> None:
        if not self._is_closed:
            self.transport.send(control.encode(Verb.BYE))
            self._is_closed = True
            self.transport.close(1.0)
