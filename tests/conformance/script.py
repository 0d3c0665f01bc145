"""`Script`: the broker's side of a connection as a test wants it, for the rules that a client has to keep."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from ess_bus import batch, control
from ess_bus.control import Verb
from ess_bus.message import Message, decode

BROKER = "0123456789abcdef"
WELCOME = control.encode(Verb.WELCOME, control.VERSION, BROKER, 1 << 20)

Answer = Callable[[Verb | str, tuple[object, ...] | Message], list[bytes]]


class Script:
    """A transport that records what a client sends, and answers each frame as it was told to.

    Attributes:
        sent: verb, and fields or message, of each frame that the client has sent.
        takes: whether it takes frames at all.
    """

    losses = 0

    def __init__(self, answer: Answer | None = None) -> None:
        self._answer = answer
        self._frames: deque[bytes] = deque()
        self.sent: list[tuple[Verb | str, tuple[object, ...] | Message]] = []
        self.takes = True

    def __call__(self) -> Script:
        return self

    def say(self, *frames: bytes) -> None:
        """Let the broker say something."""
        self._frames.extend(frames)

    def fields(self, verb: Verb) -> list[tuple[object, ...]]:
        """Return the fields of the control frames of a verb that the client has sent."""
        return [fields for found, fields in self.sent if found is verb and isinstance(fields, tuple)]

    def messages(self) -> list[Message]:
        return [message for _, message in self.sent if isinstance(message, Message)]

    def send(self, frame: bytes) -> bool:
        if not self.takes:
            return False
        for inner in batch.unpack(frame) if frame[:1] == batch.MARK else [frame]:
            verb, content = self._read(inner)
            self.sent.append((verb, content))
            self.say(*(self._answer(verb, content) if self._answer else self._usual(verb, content)))
        return True

    def receive(self) -> bytes | None:
        return self._frames.popleft() if self._frames else None

    def wait(self, timeout_s: float, *, writable: bool = False) -> None:
        if not self._frames and not (writable and self.takes):
            time.sleep(min(timeout_s, 0.01))

    def fileno(self) -> int:
        raise NotImplementedError

    def close(self, linger_s: float = 0.0) -> None:
        pass

    @staticmethod
    def _read(frame: bytes) -> tuple[Verb | str, tuple[object, ...] | Message]:
        if frame[:1] == control.MARK:
            return control.decode(frame)
        message = decode(frame)
        return message.method, message

    @staticmethod
    def _usual(verb: Verb | str, content: tuple[object, ...] | Message) -> list[bytes]:
        match verb, content:
            case (Verb.HELLO, _):
                return [WELCOME]
            case (Verb.PING, (number,)):
                return [control.encode(Verb.PONG, number)]
            case (Verb.SUBSCRIBE | Verb.UNSUBSCRIBE | Verb.REPLACE, (sequence, *_)):
                return [control.encode(Verb.SUBSCRIBED, sequence, None)]
        return []


def usual(verb: Verb | str, content: tuple[object, ...] | Message) -> list[bytes]:
    """Return what a broker without surprises answers."""
    return Script._usual(verb, content)
