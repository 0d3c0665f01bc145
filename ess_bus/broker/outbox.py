"""`Outbox`: what is due to one client, from the burst in which it arrived to the listener.

::

    due (this burst) --flush--> in flight (handed to the listener) --pong--> confirmed
                          \\--> backlog, while the client confirms less than it is sent

What is in flight is bounded by a window in bytes: ZeroMQ's own bound counts frames, whatever their size. The client
confirms by answering pings that carry how many bytes it had been sent.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final

from ess_bus import batch, control
from ess_bus.broker.backlog import Backlog
from ess_bus.broker.limits import Limits
from ess_bus.control import Verb
from ess_bus.message import Status

if TYPE_CHECKING:
    from ess_bus.broker.clients import Client
    from ess_bus.broker.gate import Ticket


log = logging.getLogger(__name__)


# Who has taken something within this time is reading; on a machine with too few CPUs its turn may be long in coming.
READING_S: Final = 0.5


class Delivery(Enum):
    """What became of a frame that was handed to the listener."""

    SENT = 1
    FULL = 2
    GONE = 3


class Promise:
    """A command or reply on its way; its sender is told if none of its receivers can be handed it.

    Attributes:
        receivers: how many outboxes it is still in, none of which has handed it over.
        ticket: what the gate knows of it, if there is one.
        problem: (status, detail) of somebody who is there and has not got it, if there is one.
    """

    __slots__ = ("frame", "handed", "problem", "receivers", "sender", "ticket")

    def __init__(self, frame: bytes, sender: Client, ticket: Ticket | None = None) -> None:
        self.frame = frame
        self.sender = sender
        self.ticket = ticket
        self.problem: tuple[Status, str] | None = None
        self.receivers = 0
        self.handed = False


class Outbox:
    """The frames for one connection.

    Attributes:
        due: frames of this burst; the broker appends to it, `flush` empties it.
        sent: messages handed to the listener.
        dropped: messages lost because the client did not read.
        lost_now: those of the present episode, from the first message lost until everything that waits is sent.
        waiting_since: when frames were first kept back, ``None`` while all could be sent.
    """

    __slots__ = (
        "_acked",
        "_asked",
        "_backlog",
        "_controls",
        "_handed",
        "_limits",
        "_promises",
        "_ready",
        "_ready_frames",
        "_send",
        "_untold",
        "client",
        "dropped",
        "due",
        "lost_now",
        "progress",
        "sent",
        "waiting_since",
    )  # fmt: skip

    client: Client

    def __init__(self, send: Callable[[bytes], Delivery], limits: Limits, now: float) -> None:
        self._send = send
        self._limits = limits
        self._backlog = Backlog(limits.queue_messages, limits.queue_bytes)
        self._promises: deque[Promise] = deque()
        # A batch that the listener has not taken yet, and what is in it.
        self._ready = b""
        self._ready_frames: list[bytes] = []
        self._handed = self._acked = self._asked = 0
        self._untold = 0
        self._controls = 0
        self.due: list[bytes] = []
        self.sent = self.dropped = self.lost_now = 0
        self.progress = now
        self.waiting_since: float | None = None

    @property
    def is_full(self) -> bool:
        """Whether a command must be refused, and a copy dropped, rather than queued."""
        return self._backlog.is_full

    @property
    def depth(self) -> tuple[int, int]:
        """(messages, bytes) that wait in the broker."""
        frames = len(self._backlog) + len(self._ready_frames) + len(self.due)
        return frames, self._backlog.size + len(self._ready) + sum(map(len, self.due))

    def tell(self, verb: Verb, *fields: object) -> None:
        """Put a control frame into this burst."""
        self._controls += 1
        self.due.append(control.encode(verb, *fields))

    def promise(self, promise: Promise) -> None:
        """Put a command into this burst, and remember whom to tell if it cannot be handed over."""
        promise.receivers += 1
        self._promises.append(promise)
        self.due.append(promise.frame)

    def confirm(self, number: int, now: float) -> None:
        """Take a client's pong: everything up to `number` bytes has been read."""
        if self._acked < number <= self._handed:
            self._acked = number
            self.progress = now

    def ping(self) -> Delivery:
        """Look whether the connection is still there, even if nothing may be sent to it now."""
        return self._send(control.encode(Verb.PING, self._handed))

    def lose(self, count: int) -> None:
        """Count messages that are dropped because the client does not read; it is told when it reads again."""
        if not self.lost_now:
            log.warning("%s does not keep up; messages for it are being dropped", self.client.name)
        self.dropped += count
        self.lost_now += count
        self._untold += count

    def is_stalled(self, now: float) -> bool:
        """Tell whether frames wait and none has been taken for too long."""
        return self.waiting_since is not None and now - self.progress > self._limits.stalled_after_s

    def pressure(self, now: float) -> float:
        """Return how near to a loss a client is that reads, but more slowly than others send; 0 if it does not read."""
        is_reading = self.waiting_since is not None and now - self.progress < READING_S
        return self._backlog.fill if is_reading else 0.0

    def flush(self, now: float) -> Delivery:
        """Hand over what is due as far as the client takes it, and keep the rest."""
        if self.waiting_since is None and (size := sum(map(len, self.due))) <= batch.FULL_BYTES:
            # What happens all the time: everything fits into one frame, and nothing waits before it.
            frames, self.due = self.due, []
            if not frames or self._handed - self._acked <= self._limits.window_bytes:
                return self._hand(batch.pack(frames), frames, size, now) if frames else Delivery.SENT
            self.due = frames
        self._keep(now)
        return self._drain(now)

    def abandon(self) -> list[Promise]:
        """Give up: count what waits as dropped, and return the commands that nobody else can be handed either."""
        self._keep(self.progress)
        self.dropped += self._messages(self._ready_frames)
        while self._backlog:
            self.dropped += self._messages(self._backlog.take()[1])
        for promise in self._promises:
            promise.receivers -= 1
        return [promise for promise in self._promises if not promise.receivers and not promise.handed]

    def _keep(self, now: float) -> None:
        frames, self.due = self.due, []
        dropped = self._backlog.extend(frames)
        if dropped:
            self.lose(dropped)
        if self.waiting_since is None:
            self.waiting_since = self.progress = now

    def _drain(self, now: float) -> Delivery:
        while self._ready or self._backlog or self._untold:
            if self._handed - self._acked > self._limits.window_bytes:
                return Delivery.FULL
            if self._ready:
                frame, frames = self._ready, self._ready_frames
                self._ready, self._ready_frames = b"", []
            elif self._untold:
                # Before what comes after the gap.
                frame, frames = control.encode(Verb.DROPPED, self._untold), []
                self._untold = 0
            else:
                frame, frames = self._backlog.take()
            outcome = self._hand(frame, frames, len(frame), now)
            if outcome is not Delivery.SENT:
                return outcome
        self.waiting_since = None
        if self.lost_now:
            log.warning("%s reads again; it lost %d messages", self.client.name, self.lost_now)
            self.lost_now = 0
        return Delivery.SENT

    def _hand(self, frame: bytes, frames: list[bytes], size: int, now: float) -> Delivery:
        outcome = self._send(frame)
        if outcome is Delivery.SENT:
            self.progress = now
            self._handed += size
            self.sent += len(frames) if not self._controls else self._messages(frames)
            if self._promises:
                self._settle(frames)
            if self._handed - self._asked > self._limits.window_bytes >> 2 and self.ping() is Delivery.SENT:
                self._asked = self._handed
        else:
            self._ready, self._ready_frames = frame, frames
            if self.waiting_since is None:
                self.waiting_since = self.progress = now
        return outcome

    def _messages(self, frames: list[bytes]) -> int:
        controls = sum(frame[:1] == control.MARK for frame in frames)
        self._controls -= controls
        return len(frames) - controls

    def _settle(self, frames: list[bytes]) -> None:
        promises = self._promises
        for frame in frames:
            if promises and promises[0].frame is frame:
                promise = promises.popleft()
                promise.receivers -= 1
                promise.handed = True
