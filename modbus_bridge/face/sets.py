"""Sets of one component: checked, held back where points are debounced, carried out, and answered with the truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ess_bus import values
from ess_bus.client import AsyncBus
from ess_bus.errors import BusError
from ess_bus.message import Message
from modbus_bridge.face.alarm import Alarm
from modbus_bridge.face.debounce import Debounce
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.writer import WriteFailed, Writer, names_of
from modbus_bridge.values.orders import Catalogue, Write

# The bus' own limit for a request: nobody waits longer for the answer, unless told to.
PATIENCE_S: Final = 5.0


@dataclass(eq=False, slots=True)
class Job:
    """One set on its way: done when nothing of it waits any more."""

    message: Message
    assigned: dict[str, Any]
    deadline_s: float
    waiting: int = 0
    written: list[Write] = field(default_factory=list)
    superseded: list[Write] = field(default_factory=list)
    failure: str | None = None
    answered: bool = False


class Sets:
    """Carries out what is set on a component and its registers.

    `on_written` is called after each attempt, with what the device has confirmed.

    Attributes:
        done: how many sets were confirmed by the device.
        failed: how many were refused, for whatever reason.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        overlay: Overlay,
        writer: Writer,
        bus: AsyncBus,
        on_written: Callable[[dict[str, Any]], None],
    ) -> None:
        self.done = 0
        self.failed = 0
        self._catalogue = catalogue
        self._overlay = overlay
        self._writer = writer
        self._bus = bus
        self._on_written = on_written
        self._debounce: Debounce[Job] = Debounce()
        self._alarm = Alarm()
        self._running: list[Job] = []

    async def take(self, message: Message, path: tuple[str, ...], arrived_s: float) -> None:
        """Carry out a set, or keep what of it is debounced for `release_forever`."""
        try:
            body = message.json()
            writes = self._catalogue.writes(path, body)
            self._require_allowed(writes)
        except ValueError as error:
            await self._refuse(message, str(error))
            return
        if not self._writer.is_up({write.point.device_id for write in writes}):
            # At once: it must not wait for the device to come back.
            await self._refuse(message, self._writer.silence)
            return
        job = Job(message, values.assignments(path, body), arrived_s + PATIENCE_S)
        now_s = time.monotonic()
        held = [write for write in writes if self._debounce.must_wait(write, now_s)]
        at_once = [write for write in writes if write not in held]
        job.waiting = len(held) + bool(at_once)
        # To wait is what was asked for.
        job.deadline_s += max((write.debounce_s for write in held), default=0.0)
        for write in held:
            await self._pass_over(write)
            self._debounce.hold(write, job)
        self._alarm.ring()
        if at_once:
            await self._write(job, at_once)

    async def release_forever(self) -> None:
        """Write what was debounced when its time has come."""
        while True:
            await self._alarm.sleep_until(min(self._debounce.next_s, time.monotonic() + 3600))
            for waiting in self._debounce.due(time.monotonic()):
                await self._release(waiting.job, waiting.write)

    async def _release(self, job: Job, write: Write) -> None:
        try:
            self._require_allowed([write])  # somebody may have decided otherwise meanwhile
        except ValueError as error:
            job.failure = str(error)
            job.waiting -= 1 + len(self._debounce.drop(job))
            await self._answer(job)
        else:
            await self._write(job, [write])

    async def abandon(self, reason: str) -> None:
        """Refuse everything that waits."""
        for waiting in self._debounce.drop():
            waiting.job.failure = reason
            await self._answer(waiting.job)
        for job in self._running:
            job.failure = f"{reason}; whether it was carried out is unknown"
            await self._answer(job)

    def _require_allowed(self, writes: Sequence[Write]) -> None:
        names = [name for write in writes for name in write.names]
        problems = [f"{name}: {reason}" for name in names if (reason := self._overlay.refusal(name)) is not None]
        if problems:
            raise ValueError("; ".join(problems))

    async def _pass_over(self, write: Write) -> None:
        for passed in self._debounce.supersede(write):
            passed.job.waiting -= 1
            passed.job.superseded.append(passed.write)
            await self._answer(passed.job)

    async def _write(self, job: Job, writes: Sequence[Write]) -> None:
        for write in writes:
            await self._pass_over(write)
        written: list[Write] = []
        # Not taken back when this is cancelled half-way: then `abandon` answers.
        self._running.append(job)
        try:
            await self._writer.carry_out(writes, job.deadline_s, written)
        except WriteFailed as error:
            job.failure = str(error)
            # What comes after a failure is not carried out, as in a set without debouncing.
            job.waiting -= len(self._debounce.drop(job))
        self._running.remove(job)
        job.waiting -= 1
        job.written += written
        # Several writes may have been joined to one.
        for write in written if job.failure else writes:
            self._debounce.wrote(write, time.monotonic())
        names = {name for write in written for name in write.names}
        self._on_written({name: value for name, value in job.assigned.items() if name in names})
        await self._answer(job)

    async def _answer(self, job: Job) -> None:
        if job.answered or (job.waiting and job.failure is None):
            return
        job.answered = True
        if job.failure is None and not job.superseded:
            self.done += 1
            with suppress(BusError):
                await self._bus.reply(job.message, job.message.body)
        elif job.failure is not None:
            await self._refuse(job.message, job.failure)
        else:
            rest = f"; written: {names_of(job.written)}" if job.written else ""
            await self._refuse(job.message, f"{names_of(job.superseded)}: superseded by a later set{rest}")

    async def _refuse(self, message: Message, reason: str) -> None:
        self.failed += 1
        # The requester learns from its own time-out that the broker went away.
        with suppress(BusError):
            await self._bus.refuse(message, reason)
