"""What `Bus` and `AsyncBus` share: their settings, the statistics, and the coding of bodies."""

from __future__ import annotations

import os
import pwd
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ess_bus import endpoint as endpoints
from ess_bus.client.core import ClientCore
from ess_bus.errors import Disconnected
from ess_bus.message import Message, Status, encode_body, error_body
from ess_bus.transport.base import Transport
from ess_bus.transport.zeromq import ZmqTransport


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect: for the broker's welcome.
        request: for an answer.
        send: for room, when the broker takes messages more slowly than they are published.
    """

    connect: float = 5.0
    request: float = 5.0
    send: float = 5.0


@dataclass(frozen=True, slots=True)
class BusStatistics:
    """What a client has to say about its connection.

    Attributes:
        connected: whether the broker knows this client.
        waiting: messages received and not yet taken by the program.
        dropped: messages for this client that were lost because it did not read.
        garbage: frames that could not be understood.
    """

    connected: bool
    waiting: int
    dropped: int
    garbage: int


class Shell:
    """The common part of both clients; not for use by itself."""

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        name: str | None = None,
        username: str | None = None,
        timeouts: Timeouts = Timeouts(),
    ) -> None:
        self.endpoint = endpoints.resolve(endpoint)
        self.timeouts = timeouts
        self._core = ClientCore(name or Path(sys.argv[0]).name, username or _login_name(), time.monotonic())
        self._transport: Transport | None = None

    @property
    def name(self) -> str:
        """What this client calls itself on the bus."""
        return self._core.name

    @property
    def connected(self) -> bool:
        """Whether the broker knows this client now."""
        return self._transport is not None and self._core.joined

    @property
    def joins(self) -> int:
        """How often the broker has welcomed this client; when it grows, what it published may have been missed."""
        return self._core.joins

    @property
    def gaps(self) -> int:
        """How often this client may have missed messages: after each welcome, and whenever it did not keep up."""
        return self._core.gaps

    def statistics(self) -> BusStatistics:
        """Return counters of this connection."""
        core = self._core
        return BusStatistics(self.connected, len(core.inbox), core.dropped, core.garbage)

    def _dial(self) -> Transport:
        endpoints.require_private(self.endpoint)
        self._transport = ZmqTransport(self.endpoint)
        return self._transport

    def _opened(self) -> Transport:
        if self._transport is None:
            raise Disconnected("this bus is closed; use it inside `with`")
        return self._transport

    def _shut(self, linger_s: float) -> None:
        raise NotImplementedError

    def _leave(self, linger_s: float) -> None:
        """Say goodbye if there is somebody to hear it, and close."""
        if self._transport is None:
            return
        goodbye = self._core.farewell()
        if goodbye is not None:
            self._transport.send(goodbye)
        self._shut(linger_s if goodbye is not None else 0.0)

    def _no_broker(self) -> Disconnected:
        return Disconnected(f"no broker on {self.endpoint} within {self.timeouts.connect:g} s; is fims_server running?")

    def _no_room(self) -> Disconnected:
        state = "takes no more messages" if self.connected else "cannot be reached"
        return Disconnected(f"the broker on {self.endpoint} {state}; the message was not sent")


def answer_frame(core: ClientCore, request: Message, value: Any) -> bytes | None:
    """Return the frame of an ok reply; ``None`` as a value is JSON's null."""
    return core.answer(request, Status.OK, b"null" if value is None else encode_body(value))


def refusal_frame(core: ClientCore, request: Message, reason: str) -> bytes | None:
    """Return the frame of an error reply."""
    return core.answer(request, Status.REFUSED, error_body(reason))


def about_process(extra: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what ``/processes/NAME`` answers."""
    return {"name": name, "pid": os.getpid(), "started": time.time(), **extra}


def _login_name() -> str | None:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return None
