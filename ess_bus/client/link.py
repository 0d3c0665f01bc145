"""`Link`: a client's core and its transport; what the blocking and the asynchronous client do alike with them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from ess_bus import batch
from ess_bus import endpoint as endpoints
from ess_bus.client.core import ClientCore
from ess_bus.client.waiting import Waiting
from ess_bus.errors import Disconnected
from ess_bus.transport import connect
from ess_bus.transport.base import Transport

# How long a closing client lets its last frames leave.
LINGER_S = 0.5


# A named tuple: dataclasses would cost fims_send a tenth of its start.
class Timeouts(NamedTuple):
    """How long to wait, in seconds.

    Attributes:
        connect: for the broker's welcome.
        request: for an answer.
        send: for room, when the broker takes messages more slowly than they are published.
        say: before the log says that there is no broker; infinite for who says so itself.
    """

    connect: float = 5.0
    request: float = 5.0
    send: float = 5.0
    say: float = 1.0


class Link:
    """Frames between the core and a transport; not for use by itself."""

    def __init__(
        self, core: ClientCore, endpoint: str, timeouts: Timeouts, connect: Callable[[], Transport] | None
    ) -> None:
        self.core = core
        self.endpoint = endpoint
        self.timeouts = timeouts
        self.transport: Transport | None = None
        self._connect = connect
        self._losses = 0
        self._waiting = Waiting(endpoint, timeouts.say)

    def dial(self) -> Transport:
        """Make the connection.

        Raises:
            Disconnected: nothing can ever be reached at this endpoint.
            ConfigurationError: the keys that the environment names cannot be used.
        """
        self._losses = 0
        if self._connect is not None:
            self.transport = self._connect()
        else:
            endpoints.require_private(self.endpoint)
            self.transport = connect(self.endpoint)
        return self.transport

    @property
    def refusal(self) -> str | None:
        """Why the broker does not let this client in; ``None`` as long as it may."""
        # A transport that a program brings with it need not have one.
        reason: str | None = getattr(self.transport, "refusal", None)
        return reason

    @property
    def is_settled(self) -> bool:
        """Whether the broker has welcomed this client, or refused it."""
        return self.core.joined or self.refusal is not None

    def opened(self) -> Transport:
        """Return the transport.

        Raises:
            Disconnected: it was closed, or not opened yet.
        """
        if self.transport is None:
            raise Disconnected("this bus is closed; use it inside `with`")
        return self.transport

    def notice_loss(self) -> None:
        """Tell the core if the connection was lost since the last time: it need not wait for the silence."""
        losses = self.opened().losses
        if losses != self._losses:
            self._losses = losses
            if self.core.joined:
                self.core.lose("the connection to the broker was lost")

    def tick(self, now: float) -> float:
        """Do what is due and say what must be known of the broker; return when to call again at the latest."""
        wake = self.core.tick(now)
        return min(wake, self._waiting.look(now, is_there=self.is_settled))

    def push(self) -> None:
        """Hand over what is due, many frames as one, until the transport takes no more."""
        transport, outgoing = self.opened(), self.core.outgoing
        while outgoing:
            frame, count = batch.take(outgoing)
            if not transport.send(frame):
                return
            for _ in range(count):
                outgoing.popleft()

    def keep(self, answer: bytes) -> bool:
        """Let an answer that could not be sent wait for the broker's welcome; tell whether it does."""
        is_away = self.transport is not None and not self.core.joined
        return is_away and self.core.late.keep(answer, time.monotonic())

    def leave(self) -> None:
        """Say goodbye if there is somebody to hear it, and close; what was sent has a moment to leave."""
        if self.transport is None:
            return
        if self.core.joined:
            self.push()
        goodbye = self.core.farewell()
        if goodbye is not None:
            self.transport.send(goodbye)
        self.shut(LINGER_S if goodbye is not None else 0.0)

    def shut(self, linger_s: float) -> None:
        """Close the transport."""
        transport, self.transport = self.transport, None
        if transport is not None:
            transport.close(linger_s)

    def no_broker(self) -> Disconnected:
        """Return the error of a connection that nobody welcomed."""
        if self.refusal is not None:
            return Disconnected(f"the broker on {self.endpoint} refuses this client: {self.refusal}")
        return Disconnected(f"no broker on {self.endpoint} within {self.timeouts.connect:g} s; is fims_server running?")

    def no_room(self) -> Disconnected:
        """Return the error of a message that could not be handed over."""
        if self.refusal is not None:
            return self.no_broker()
        state = "takes no more messages" if self.transport is not None and self.core.joined else "cannot be reached"
        return Disconnected(f"the broker on {self.endpoint} {state}; the message was not sent")
