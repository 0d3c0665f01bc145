"""Programs on the bus that a test talks to: a thread that owns URIs, and a raw ZeroMQ socket without manners."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final, Self

import zmq

from ess_bus import batch, control
from ess_bus.client import Bus
from ess_bus.control import Verb
from ess_bus.message import Message

# What an owner returns who does not answer.
SILENCE: Final = object()


class Owner:
    """Owns URIs in a thread of its own: it answers each request with what `answer` returns, and refuses its errors."""

    def __init__(
        self, endpoint: str, uris: str | Iterable[str], answer: Callable[[Message], Any], name: str = "owner"
    ) -> None:
        self._endpoint, self._answer, self._name = endpoint, answer, name
        self._uris = (uris,) if isinstance(uris, str) else tuple(uris)
        self.received: list[Message] = []
        self._ready, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        with Bus(self._endpoint, name=self._name) as bus:
            messages = bus.subscribe(*self._uris)
            bus.announce()
            self._ready.set()
            while not self._stopping.is_set():
                message = messages.receive(0.05)
                if message is None:
                    continue
                self.received.append(message)
                try:
                    if (answer := self._answer(message)) is not SILENCE:
                        bus.reply(message, answer)
                except ValueError as error:
                    bus.refuse(message, str(error))


class Rude:
    """A DEALER socket that sends whatever it is given."""

    def __init__(self, endpoint: str) -> None:
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.sndtimeo = self._socket.rcvtimeo = 10_000
        self._socket.connect(endpoint)
        self._frames: deque[bytes] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close(linger=1000)
        self._context.term()

    def send(self, *frames: bytes) -> None:
        self._socket.send_multipart(frames)

    def join(self, name: str = "rude") -> None:
        """Say a right hello, and return when the broker has heard it and everything before."""
        self.send(control.encode(Verb.HELLO, control.VERSION, name, "", 1, "", ()))
        self.until(Verb.WELCOME)

    def flush(self) -> None:
        """Return when the broker has handled everything that was sent.

        A client that did not read may not be told; the broker's own ping says that it is told again, and to ask again.
        """
        ping = control.encode(Verb.PING, 4711)
        self.send(ping)
        while True:
            verb, fields = self._next(Verb.PONG, Verb.PING)
            if verb is Verb.PING:
                self.send(ping)
            elif fields == (4711,):
                return

    def give_up_after(self, seconds: float) -> None:
        """Let `until` raise `zmq.Again` when nothing has come for so long."""
        self._socket.rcvtimeo = int(seconds * 1000)

    def until(self, wanted: Verb) -> tuple[Any, ...]:
        """Receive until a control frame of a verb is there, and return its fields."""
        return self._next(wanted)[1]

    def _next(self, *wanted: Verb) -> tuple[Verb, tuple[Any, ...]]:
        while True:
            while self._frames:
                frame = self._frames.popleft()
                if frame[:1] != control.MARK:
                    continue
                verb, fields = control.decode(frame)
                if verb is Verb.PING:  # or the broker would soon send nothing more
                    self.send(control.encode(Verb.PONG, *fields))
                if verb in wanted:
                    return verb, fields
            frame = self._socket.recv()
            self._frames.extend(batch.unpack(frame) if frame[:1] == batch.MARK else [frame])


def received_nothing(owner: Owner, send: Callable[..., tuple[int, str, str]]) -> bool:
    """Whether the owner has got nothing before what is sent to it, at ``/a``, now."""
    before = len(owner.received)
    assert send("-m", "get", "-u", "/a", "-r", "/me")[0] == 0
    return before == 0 and len(owner.received) == 1
