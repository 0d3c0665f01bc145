"""`Authors`: whose values count here, and what becomes of these when nobody keeps them up to date any more."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from ess_bus.client import Bus
from ess_bus.control import BROKER_NAME, PROCESSES
from ess_bus.engine.ages import Ages
from ess_bus.engine.engine import Engine
from ess_bus.engine.following import Following
from ess_bus.errors import Disconnected, UriError
from ess_bus.message import Message, Status
from ess_bus.uri import join, segments

log = logging.getLogger(__name__)

# A device is a table such as /components/bms_1, with everything below it.
DEVICE_DEPTH: Final = 2


def devices_of(tables: Iterable[str]) -> list[str]:
    """Return the devices that tables belong to."""
    parts = (segments(table)[:DEVICE_DEPTH] for table in tables)
    return sorted({join(one) for one in parts if len(one) == DEVICE_DEPTH})


class Authors:
    """Knows who publishes each device and who calculates each result, and asks them whether they are still there.

    What the broker tells of those that end is one source; one that hangs does not end, and is as good as gone.

    Attributes:
        alive_uri: where the answers of those that are asked arrive.
        ages: since when nothing was heard of them.
    """

    def __init__(self, engine: Engine, bus: Bus) -> None:
        self._engine = engine
        self._bus = bus
        self._prefix = f"/{engine.name}"
        self.alive_uri = f"{self._prefix}/_alive"
        self.ages = Ages()
        # Device table -> the process that publishes it.
        self._publishers: dict[str, str] = {}
        # Calculator -> the results that it has set.
        self._results: dict[str, set[tuple[str, str]]] = {}
        self._following = Following()
        # Questions are lost with the broker; this counts which one it is.
        self._asked_of = 0

    def published(self, name: str, target: str, body: object) -> None:
        """A process has published something of a device."""
        device = join(segments(target)[:DEVICE_DEPTH])
        self._publishers[device] = name
        self.ages.told(device, body, self._engine.steady_s)

    def calculated(self, name: str, target: str, body: object) -> bool:
        """A process has set something: if it is a calculator, the members of the body are results; tell if it is."""
        results = self._results.get(name)
        if results is None:
            return False
        results.update((target, member) for member in (body if isinstance(body, dict) else ()))
        self.ages.calculates(self._engine.steady_s)
        return True

    def take_news(self, message: Message) -> None:
        """Take what a process tells of itself, or the broker's news that one is gone.

        Raises:
            ValueError: it is not JSON.
        """
        news = message.json()
        if not isinstance(news, dict):
            return
        if message.process_name == BROKER_NAME and news.get("gone") is True:
            name = str(news.get("name"))
            self._bury(name, "gone")
            self._results.pop(name, None)
            self._following.gone(name)
            return
        self._following.heard(message.process_name)
        if news.get("kind") == "calculator" and news.get("prefix") == self._prefix:
            self._results.setdefault(message.process_name, set())

    def follow(self, now_s: float) -> None:
        """Ask those whose values count whether they are still there; one that hangs is as good as gone."""
        if self._asked_of != self._bus.joins or not self._bus.connected:
            self._asked_of = self._bus.joins
            self._following.forget()
        for name in self._following.take_silent(now_s):
            self._bury(name, "silent")
        names = {*self._publishers.values(), *(name for name, results in self._results.items() if results)}
        for name in self._following.to_ask(names, now_s):
            try:
                self._bus.send("get", f"{PROCESSES}/{name}", None, self.alive_uri, name)
            except (Disconnected, UriError) as error:
                log.debug("%s was not asked: %s", name, error)

    def hear(self, answer: Message) -> None:
        """Take the answer of somebody who was asked whether he is there, or the broker's that he cannot be asked."""
        name = str(answer.token)
        if answer.status is Status.OK:
            self._following.heard(name)
            if name in self._results:
                self.ages.calculates(self._engine.steady_s)
        elif answer.status is not Status.BUSY:  # that is one who reads nothing
            self._following.gone(name)

    def _bury(self, name: str, end: str) -> None:
        """Make what a process published or calculated not valid: nobody keeps it up to date."""
        for device, publisher in list(self._publishers.items()):
            if publisher == name:
                log.warning("%s is %s; %s is not valid until it is published again", publisher, end, device)
                del self._publishers[device]
                self._engine.invalidate(device)
        results = sorted(self._results.get(name, ()))
        if results:
            log.warning("%s is %s; its %d results are not valid until they are set again", name, end, len(results))
            self._results[name].clear()
        for table, variable in results:
            self._engine.report(table, {variable: {"value": None, "reason": f"{name} is {end}"}})
