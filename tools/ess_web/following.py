"""`Following`: the bus side of the dashboard. Feeds the hub, keeps it honest, and sends what operators set."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any, Final

from ess_bus.client import AsyncBus, AsyncSubscription
from ess_bus.errors import BusError, Disconnected, EssError, Refused
from ess_bus.message import Message
from ess_bus.service.measures import Measure
from ess_bus.service.running import of_connection
from tools.ess_web import metrics
from tools.ess_web.hub import Hub
from tools.ess_web.keepers import announced, clients_of, present
from tools.fims.meanwhile import Meanwhile

log = logging.getLogger(__name__)

# How soon a lost broker is noticed, and how often who is there is asked.
LOOK_EVERY_S: Final = 0.2
POLL_EVERY_S: Final = 1.0
ANSWER_S: Final = 1.5
ASK_S: Final = 3.0
AGAIN_S: Final = 1.0
# Owners that are asked for what they have published before we came, and how many at a time.
MAX_ASKED: Final = 500
AT_ONCE: Final = 8
# Messages of live listen that wait here at most: what does not fit was not for a person's eyes anyway.
LISTEN_SIZE: Final = 2000
_NOT_ASKED: Final = ("/_reply", "/processes", "/bus")


class Following:
    """One connection, made again for as long as the program runs."""

    def __init__(self, hub: Hub, endpoint: str | None, name: str) -> None:
        self._hub = hub
        self._endpoint = endpoint
        self._name = name
        self._bus: AsyncBus | None = None
        self._looks = metrics.Looks()
        # What was published while the engine was asked for everything: its answers may be older.
        self._meanwhile: Meanwhile[Message] = Meanwhile()

    async def run(self) -> None:
        """Follow the bus until cancelled; without a broker, wait for one."""
        told = ""
        while True:
            try:
                async with AsyncBus(self._endpoint, name=self._name) as bus:
                    told = ""
                    await self._follow(bus)
            except* EssError as errors:
                reason = _first(errors)
                self._hub.lose(reason, time.time())
                if reason != told:
                    log.warning("%s; trying again", reason)
                told = reason
            self._bus = None
            await asyncio.sleep(AGAIN_S)

    async def set(self, uri: str, value: Any) -> Message:
        """Send a set and return the owner's answer.

        Raises:
            BusError: see its `outcome`; nothing is kept for a broker that is not there.
        """
        if self._bus is None or not self._bus.connected:
            raise Disconnected("the broker cannot be reached; nothing was sent")
        begun_s, looks = time.monotonic(), self._looks
        try:
            answer = await self._bus.set(uri, value)
        except BusError as error:
            looks.sets_failed += 1
            if isinstance(error, Refused):
                looks.sets, looks.seconds = looks.sets + 1, looks.seconds + time.monotonic() - begun_s
            raise
        looks.sets, looks.seconds = looks.sets + 1, looks.seconds + time.monotonic() - begun_s
        return answer

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted of the dashboard, and of its connection while it has one."""
        if self._bus is not None:
            yield from of_connection(self._bus.statistics())
        yield from metrics.measures(self._hub, self._looks, time.monotonic())

    async def _follow(self, bus: AsyncBus) -> None:
        self._bus = bus
        self._hub.connect()
        log.info("following %s", bus.endpoint)
        pubs = await bus.subscribe("/", pub_only=True)
        await bus.announce(kind="ess_web")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive(pubs))
            tasks.create_task(self._watch(bus))
            tasks.create_task(self._listen(bus))

    async def _receive(self, pubs: AsyncSubscription) -> None:
        async for message in pubs:
            self._meanwhile.note(message)
            self._hub.take(message, time.monotonic(), time.time())

    async def _watch(self, bus: AsyncBus) -> None:
        """Notice what is lost and who is gone, and ask for everything when something may have been missed."""
        gaps, due = -1, 0.0
        while True:
            now = time.monotonic()
            if not bus.connected:
                self._hub.lose("the broker cannot be reached", time.time())
                due = 0.0
            elif now >= due:
                due = now + POLL_EVERY_S
                if not self._hub.keepers.connected:
                    self._hub.connect()
                try:
                    clients = await self._poll(bus)
                    self._looks.polls, self._looks.seen_s = self._looks.polls + 1, time.monotonic()
                    if bus.gaps != gaps:
                        gaps = bus.gaps
                        self._hub.is_outdated = True
                        await self._ask_owners(bus, clients)
                    if self._hub.is_outdated:
                        await self._ask_engine(bus)
                except BusError as error:
                    self._looks.polls_failed += 1
                    log.debug("not answered: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _poll(self, bus: AsyncBus) -> Any:
        clients = await bus.get("/bus/clients", timeout_s=ANSWER_S)
        names = announced(clients) - {bus.name}
        answers = await asyncio.gather(*(_answers(bus, f"/processes/{name}") for name in names))
        if bus.connected:
            here = [name for name, answer in zip(names, answers, strict=True) if answer]
            self._hub.poll(present(clients), names, here, time.time())
        self._hub.broker = {"stats": await bus.get("/bus/stats", timeout_s=ANSWER_S), "clients": clients}
        for page in self._hub.pages.values():
            if page.wants_broker:
                page.mailbox.note("broker")
        return clients

    async def _ask_engine(self, bus: AsyncBus) -> None:
        root = f"/{self._hub.engine}/full"
        self._meanwhile.begin()
        try:
            everything = await bus.request("get", root, timeout_s=ASK_S)
            assets = await bus.get(f"{root}/assets", timeout_s=ASK_S)
            tables = everything.json()
        except (BusError, ValueError) as error:
            self._hub.miss_engine(str(error))
            return
        finally:
            newer = self._meanwhile.end()
        self._hub.snapshot(tables, assets, everything.process_name, time.monotonic(), time.time())
        for message in newer:
            self._hub.take(message, time.monotonic(), time.time())
        if self._meanwhile.missed:
            self._hub.is_outdated = True

    async def _ask_owners(self, bus: AsyncBus, clients: Any) -> None:
        """Ask everybody but the engine, which is asked for all of it, for what was published before we came."""
        engine = f"/{self._hub.engine}"
        owners = {name for name, uris in _served(clients).items() if engine in uris}
        uris = {uri for name, own in _served(clients).items() if name not in owners | {bus.name} for uri in own}
        room = asyncio.Semaphore(AT_ONCE)

        async def ask(uri: str) -> None:
            async with room:
                asked = time.monotonic()
                try:
                    answer = await bus.request("get", uri, timeout_s=ANSWER_S)
                    self._hub.store.recall(uri, answer.json(), answer.process_name, asked)
                except (BusError, ValueError) as error:
                    log.debug("%s: %s", uri, error)

        await asyncio.gather(*(ask(uri) for uri in sorted(uris)[:MAX_ASKED]))

    async def _listen(self, bus: AsyncBus) -> None:
        """Look on at what the pages ask for, and at nothing while none does."""
        subscription = await bus.subscribe(passive=True, size=LISTEN_SIZE)
        listening: frozenset[str] = frozenset()
        while True:
            wanted = self._hub.prefixes()
            if wanted != listening and bus.connected:
                await subscription.replace(*sorted(wanted), passive=True)
                listening = wanted
            message = await subscription.receive(LOOK_EVERY_S)
            while message is not None:
                self._hub.tapped(message, time.time())
                message = await subscription.receive() if subscription.waiting else None


async def _answers(bus: AsyncBus, uri: str) -> bool:
    try:
        await bus.get(uri, timeout_s=ANSWER_S)
    except BusError:
        return False
    return True


def _served(clients: Any) -> dict[str, set[str]]:
    """Return client -> the URIs that it answers."""
    served: dict[str, set[str]] = {}
    for name, modes in clients_of(clients):
        own = {uri for uri, mode in modes.items() if mode == "all" and not uri.startswith(_NOT_ASKED)}
        served.setdefault(name, set()).update(own)
    return served


def _first(errors: BaseExceptionGroup[EssError]) -> str:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else str(first)
