"""What `Bus` and `AsyncBus` share: their settings, what they say of themselves, and the coding of answers."""

from __future__ import annotations

import os
import pwd
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from ess_bus import endpoint as endpoints
from ess_bus.client.core import ClientCore
from ess_bus.client.link import Link, Timeouts
from ess_bus.desk import Desk
from ess_bus.message import Message, Status, encode_body, error_body
from ess_bus.transport.base import Transport

AnyLink = TypeVar("AnyLink", bound=Link)


class BusStatistics(NamedTuple):
    """What a client has to say about its connection.

    Attributes:
        connected: whether the broker knows this client.
        joins: how often the broker has welcomed it.
        sent: messages sent, replies included.
        received: messages received, replies included.
        waiting: messages received and not yet taken by the program.
        dropped: messages for this client that were lost because it did not read, in the broker or here.
        undelivered: messages of this client that the broker reported as not delivered.
        garbage: frames that could not be understood.
    """

    connected: bool
    joins: int
    sent: int
    received: int
    waiting: int
    dropped: int
    undelivered: int
    garbage: int


class Shell(Generic[AnyLink]):
    """The common part of both clients; not for use by itself."""

    _make_link: type[AnyLink]

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        name: str | None = None,
        username: str | None = None,
        timeouts: Timeouts = Timeouts(),
        transport: Callable[[], Transport] | None = None,
    ) -> None:
        where = endpoints.resolve(endpoint) if transport is None else endpoint or "memory"
        self._core = ClientCore(name or Path(sys.argv[0]).name, username or _login_name(), time.monotonic())
        self._link = self._make_link(self._core, where, timeouts, transport)

    @property
    def endpoint(self) -> str:
        """Where the broker is."""
        return self._link.endpoint

    @property
    def timeouts(self) -> Timeouts:
        """How long this client waits."""
        return self._link.timeouts

    @property
    def name(self) -> str:
        """What this client calls itself on the bus."""
        return self._core.name

    @property
    def connected(self) -> bool:
        """Whether the broker knows this client now."""
        return self._link.transport is not None and self._core.joined

    @property
    def joins(self) -> int:
        """How often the broker has welcomed this client; when it grows, what it published may have been missed."""
        return self._core.joins

    @property
    def gaps(self) -> int:
        """How often this client may have missed messages: after each welcome, and whenever it did not keep up."""
        return self._core.gaps

    @property
    def desk(self) -> Desk:
        """What answers below ``/processes/NAME`` once this process was announced: name -> handler."""
        return self._core.desk

    def statistics(self) -> BusStatistics:
        """Return counters of this connection."""
        core = self._core
        counters = (core.joins, core.sent, core.received, core.waiting, core.dropped, core.undelivered, core.garbage)
        return BusStatistics(self.connected, *counters)


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
