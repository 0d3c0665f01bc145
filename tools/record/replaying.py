"""Sends a recording again: each message by a connection that is named as the process that sent it.

So those who listen see who published what; and when a process was gone in the recording, its connection is closed, the
broker says that it is gone, and nobody takes its last values for good ones. The same happens at the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

from ess_bus.client import AsyncBus
from ess_bus.control import BROKER_NAME, PROCESSES
from ess_bus.errors import Busy, EssError, NoOneListening, Refused
from ess_bus.message import Message
from ess_bus.uri import is_under, segments
from tools.record.entry import Entry, RecordingError
from tools.record.reader import Recording
from tools.record.selection import Selection
from tools.record.spacing import Spacing

log = logging.getLogger(__name__)

NAME: Final = "fims_replay"
# What processes and the broker say of themselves is true of another day.
PRIVATE: Final = (PROCESSES, "/bus")
COMMANDS: Final = frozenset({"set", "post", "del"})
# Connections that are open at once; whoever comes later shares one.
_MOST: Final = 64
# At full speed: messages between two looks at whether the broker has taken them.
_BURST: Final = 256
_PAUSE_S: Final = 0.0005


class LiveProcesses(EssError):
    """Processes whose messages are to be replayed are on this bus now."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to replay.

    Attributes:
        selection: what.
        speed: how many times as fast as it was; ``None`` is as fast as can be.
        loop: again and again.
        over_live: also where the processes that sent it are present.
    """

    selection: Selection
    speed: float | None = 1.0
    loop: bool = False
    over_live: bool = False


@dataclass(slots=True)
class Progress:
    """What has been done; it is filled in as it happens.

    Attributes:
        sent: messages.
        undelivered: commands that reached nobody, or were forbidden.
        late_s: how much too late a message was sent at most; 0 at full speed.
    """

    sent: int = 0
    undelivered: int = 0
    late_s: float = 0.0


class Replay:
    """Replays one recording on one bus."""

    def __init__(self, bus: str | None, recording: Recording, plan: Plan, progress: Progress) -> None:
        self._bus, self._recording, self._plan, self._progress = bus, recording, plan, progress
        self._connections: dict[str, tuple[AsyncBus, AsyncExitStack]] = {}
        self._last: AsyncBus | None = None

    async def run(self) -> None:
        """Send everything that is selected.

        Raises:
            RecordingError: there is nothing, or it is damaged.
            LiveProcesses: see `Plan.over_live`.
            BusError: the broker is not there when something is due; what was missed is not sent later.
        """
        self._require_something()
        async with AsyncBus(self._bus, name=NAME) as main:
            if not self._plan.over_live:
                await self._require_absence(main)
            await main.announce(kind="replay", file=str(self._recording.path))
            try:
                await self._once()
                while self._plan.loop:
                    await self._once()
            finally:
                for name in list(self._connections):
                    await self._close(name)

    async def _once(self) -> None:
        spacing, clock = Spacing(), asyncio.get_running_loop().time
        begun = clock()
        for entry in self._recording.entries(self._plan.selection, also=_is_death):
            due_s = spacing.due_s(entry)
            if self._plan.speed is not None:
                await self._until(begun + due_s / self._plan.speed, clock)
            elif self._progress.sent % _BURST == 0:
                await self._settle()
            await self._take(entry)
        await self._settle()

    async def _until(self, due: float, clock: Callable[[], float]) -> None:
        left = due - clock()
        if left > _PAUSE_S:
            await asyncio.sleep(left)
        self._progress.late_s = max(self._progress.late_s, clock() - due)

    async def _take(self, entry: Entry) -> None:
        message = entry.message
        if _is_death(message):
            name = _of_dead(message)
            if name in self._connections:
                log.info("%s was gone", name)
                await self._close(name)
        elif is_replayed(message):
            await self._send(message)

    async def _send(self, message: Message) -> None:
        connection = await self._connection(message.process_name)
        if connection is not self._last:
            await self._settle()  # or what two processes sent might change places
            self._last = connection
        await connection.send(message.method, message.uri, message.body)
        self._progress.sent += 1
        if message.method in COMMANDS:
            await self._settle()

    async def _settle(self) -> None:
        """Wait until the broker has handled what was sent last; count what it could not deliver."""
        while self._last is not None:
            try:
                await self._last.flush()
            except (NoOneListening, Busy, Refused) as error:
                self._progress.undelivered += 1
                log.warning("%s", error)
            else:
                return

    async def _connection(self, process: str) -> AsyncBus:
        name = process if segments(process) == (process,) and process.isprintable() else NAME
        if name not in self._connections and len(self._connections) >= _MOST:
            name = NAME
        if name not in self._connections:
            stack = AsyncExitStack()
            bus = await stack.enter_async_context(AsyncBus(self._bus, name=name))
            self._connections[name] = bus, stack
            if name != NAME:
                # Only of announced ones the broker says that they are gone.
                await bus.announce(kind="replay", file=str(self._recording.path))
        return self._connections[name][0]

    async def _close(self, name: str) -> None:
        bus, stack = self._connections.pop(name)
        if self._last is bus:
            await self._settle()
            self._last = None
        await stack.aclose()

    def _require_something(self) -> None:
        if not self._processes():
            raise RecordingError(self._recording.path, "there is nothing to replay in what was selected")

    def _processes(self) -> set[str]:
        topics = (one.message for one in self._recording.topics())
        return {topic.process_name for topic in topics if self._plan.selection.takes(topic) and is_replayed(topic)}

    async def _require_absence(self, main: AsyncBus) -> None:
        try:
            clients: Any = await main.get("/bus/clients")
        except Refused as error:
            raise LiveProcesses(
                f"the broker does not say who is on this bus ({error}); --over-live sends anyway"
            ) from None
        present = sorted({str(one.get("name")) for one in clients} & self._processes())
        if present:
            raise LiveProcesses(
                f"{', '.join(present)}: on this bus now; old values would be taken for theirs. Leave out what they sent"
                f" ({' '.join(f'--not-by {name}' for name in present)}), choose another bus, or say --over-live"
            )


def is_replayed(message: Message) -> bool:
    """Tell whether a message can be sent again: no answer, and nothing that processes say of themselves."""
    first = (*segments(message.uri), "")[0]
    return not (
        message.is_reply
        or message.method == "get"
        or first.startswith("_")
        or any(is_under(message.uri, prefix) for prefix in PRIVATE)
    )


def _is_death(message: Message) -> bool:
    return message.process_name == BROKER_NAME and message.method == "pub" and is_under(message.uri, PROCESSES)


def _of_dead(message: Message) -> str:
    try:
        news = message.json()
    except ValueError:
        return ""
    return str(news.get("name")) if isinstance(news, dict) and news.get("gone") is True else ""
