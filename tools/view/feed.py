"""`Feed`: the engine's news into the store, and orders to the engine."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from ess_bus.client import AsyncBus, Timeouts
from ess_bus.client.subscription import AsyncSubscription
from ess_bus.client.waiting import waiting_for
from ess_bus.endpoint import resolve
from ess_bus.errors import BusError, ConfigurationError, Disconnected, EssError, NoOneListening
from ess_bus.message import Message
from tools.fims.meanwhile import Meanwhile
from tools.view import journal
from tools.view.orders import Order
from tools.view.roles import roles
from tools.view.store import Store

log = logging.getLogger(__name__)

# The tables that a view is made of. Pubs bring the rest of what changes.
_TABLES: Final = ("status", "controls", "links", "assets")
_POLL_S: Final = 1.0
_AGAIN_S: Final = 1.0
_TIMEOUTS: Final = Timeouts(connect=3.0, request=2.0, send=2.0, say=math.inf)
# A command may wait for a device behind the engine.
ORDER_WITHIN_S: Final = 5.0
# Messages that are taken before the screen may be drawn.
_BURST: Final = 500


class Feed:
    """Follows one engine; reconnects by itself.

    Args:
        bus: where the broker is; ``None`` is this user's default.
        store: is kept up to date.
        note: is told what belongs into the journal.
        ess: the asset that is operated; ``None`` is the first.
    """

    def __init__(
        self, bus: str | None, store: Store, note: Callable[[journal.Entry], None], ess: str | None = None
    ) -> None:
        self._where = bus
        self._store = store
        self._note = note
        self._ess = ess
        self._bus: AsyncBus | None = None
        self._source = ""
        self._stale = asyncio.Event()
        # What was published while everything was asked for: the answers may be older.
        self._meanwhile: Meanwhile[Message] = Meanwhile()

    async def run(self) -> None:
        """Follow the engine until cancelled.

        Raises:
            ConfigurationError: the keys that the environment names cannot be used.
        """
        self._store.trouble = waiting_for(self._where or resolve(self._where))
        while True:
            try:
                async with AsyncBus(self._where, name="ess_view", timeouts=_TIMEOUTS) as bus:
                    await self._follow(bus)
            except ConfigurationError:
                raise
            except EssError as error:
                self._store.trouble = str(error)
            finally:
                self._bus = None
            await asyncio.sleep(_AGAIN_S)

    async def carry_out(self, one: Order) -> None:
        """Send an order and note what is answered; it never raises what the bus has to say."""
        self._note(journal.sent(one, _now()))
        try:
            if self._bus is None:
                raise Disconnected(self._store.trouble or "not connected")
            await self._bus.set(one.uri, one.value, timeout_s=ORDER_WITHIN_S)
        except EssError as error:
            self._note(journal.failed(one, error, _now()))
        else:
            self._note(journal.taken(one, _now()))

    async def _follow(self, bus: AsyncBus) -> None:
        # Pubs only: a request that reaches nobody else must be reported to its sender, whoever looks on.
        news = await bus.subscribe(f"/{self._store.engine}", "/processes", pub_only=True)
        events = await bus.subscribe("/events", passive=True)
        self._bus = bus
        self._stale.set()
        tasks = [
            asyncio.create_task(self._take_news(news)),
            asyncio.create_task(self._take_events(events)),
            asyncio.create_task(self._ask(bus)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # -- what comes by itself --------------------------------------------------------------------------------------

    async def _take_news(self, news: AsyncSubscription) -> None:
        taken = 0
        async for message in news:
            self._take(message)
            taken += 1
            if taken % _BURST == 0:
                await asyncio.sleep(0)

    def _take(self, message: Message) -> None:
        if message.uri.startswith("/processes/"):
            # A restarted engine says itself all that it knows; but its parameters have to be asked for.
            if message.uri == f"/processes/{self._source}" or not self._source:
                self._stale.set()
            return
        self._meanwhile.note(message)
        self._take_pub(message)

    def _take_pub(self, message: Message) -> None:
        # Others may publish below the engine's name as well: that is input to the engine, and not its word.
        if message.process_name != self._source:
            return
        try:
            body = message.json()
        except ValueError:
            log.debug("%s from %s is no JSON", message.uri, message.process_name)
            return
        self._store.take_pub(message.uri, body, time.monotonic())

    async def _take_events(self, events: AsyncSubscription) -> None:
        async for message in events:
            try:
                entry = journal.event(message.json(), _now())
            except ValueError:
                continue
            if entry is not None:
                self._note(entry)

    # -- what is asked for -----------------------------------------------------------------------------------------

    async def _ask(self, bus: AsyncBus) -> None:
        """Ask the engine each second whether it is there, and for everything when something may have been missed."""
        gaps = bus.gaps
        while True:
            begun_s = time.monotonic()
            try:
                if self._stale.is_set() or bus.gaps != gaps:
                    gaps = bus.gaps
                    self._stale.clear()
                    await self._snapshot(bus)
                answer = await bus.request("get", f"/{self._store.engine}/states")
                if answer.process_name != self._source:
                    self._stale.set()
                self._store.take_states(answer.json(), time.monotonic())
                self._store.trouble = ""
            except NoOneListening:
                self._store.trouble = f"there is no engine /{self._store.engine} on this bus"
                self._stale.set()
            except (BusError, ValueError) as error:
                self._store.trouble = str(error)
                self._stale.set()
            if not self._stale.is_set():
                await asyncio.sleep(max(0.0, begun_s + _POLL_S - time.monotonic()))
            else:
                await asyncio.sleep(0.2)

    async def _snapshot(self, bus: AsyncBus) -> None:
        self._meanwhile.begin()
        try:
            await self._read_all(bus)
        finally:
            newer = self._meanwhile.end()
        for message in newer:
            self._take_pub(message)
        if self._meanwhile.missed:
            self._stale.set()

    async def _read_all(self, bus: AsyncBus) -> None:
        answers = [(name, await bus.request("get", f"/{self._store.engine}/full/{name}")) for name in _TABLES]
        states = await bus.request("get", f"/{self._store.engine}/states")
        components = await bus.get(f"/{self._store.engine}/naked/components")
        bodies = [(name, answer.json()) for name, answer in answers]
        now_s = time.monotonic()
        self._source = answers[0][1].process_name
        # From here to the end nobody else runs: a picture of half of it is never drawn.
        self._store.begin()
        for name, body in bodies:
            self._store.take_full((name,), body)
        self._store.take_states(states.json(), now_s)
        parts = roles(self._store, self._ess)
        for asset in parts.devices:
            self._store.watch(self._store.sources(asset), components, now_s)


def _now() -> datetime:
    return datetime.now().astimezone()
