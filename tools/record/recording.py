"""The recorder: listens passively and hands every message, with its times, to the `Keeper`."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ess_bus.client import Bus, Subscription
from ess_bus.service.running import Pulse, Service
from tools.record.entry import Entry, Gap, RecordingError, Run
from tools.record.keeper import Keeper
from tools.record.lock import locked
from tools.record.rotation import Rotation

log = logging.getLogger(__name__)

# Messages between two looks at what was lost; and how long to wait for one.
_BURST: Final = 256
_PAUSE_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Order:
    """What to record.

    Attributes:
        path: into which file.
        uris: what to listen to.
        rotation: when to begin a new file.
        packed: whether bodies are packed.
    """

    path: Path
    uris: tuple[str, ...]
    rotation: Rotation
    packed: bool


def record(bus: str | None, name: str, order: Order, service: Service) -> int:
    """Record until a signal ends it; return how many messages were lost.

    Raises:
        RecordingError, OSError, sqlite3.Error: the file cannot be written at the start.
        BusError: there is no broker, or it refuses the subscription.
        EssError: metrics cannot be served.
    """
    with Bus(bus, name=name) as connection, locked(order.path):
        run = Run(now_us(), connection.endpoint, order.uris)
        with Keeper(order.path, run, order.rotation, packed=order.packed) as keeper:
            messages = connection.subscribe(*order.uris, passive=True)
            connection.announce(kind="recorder", file=os.fsencode(order.path).decode(errors="backslashreplace"))
            log.info("recording %s to %s", ", ".join(order.uris), order.path)
            with _asked_to_stop() as stopped, service.running(keeper.measures, connection) as pulse:
                pulse.ready()
                _listen(connection, messages, keeper, stopped, pulse)
        log.info("%s: %d messages written, %d lost", order.path, keeper.written, keeper.lost)
        return keeper.lost + connection.statistics().dropped


def now_us() -> int:
    """Return the time on the wall, in microseconds since 1970."""
    return time.time_ns() // 1000


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Take SIGTERM and SIGINT as a request: an interrupt could lose what has arrived and is not written down."""
    asked = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: asked.set()) for number in numbers]
    try:
        yield asked
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _listen(connection: Bus, messages: Subscription, keeper: Keeper, stopped: threading.Event, pulse: Pulse) -> None:
    begun_ns = time.monotonic_ns()
    watch = _Watch(connection)
    is_last = False
    while not is_last:
        # Once more after the request to stop, for what is here already.
        is_last = stopped.is_set()
        for message in messages.burst(0 if is_last else _PAUSE_S, _BURST):
            keeper.put(Entry(now_us(), (time.monotonic_ns() - begun_ns) // 1000, 0, message))
        pulse.beat()
        for gap in watch.look():
            keeper.note(gap)
        if not keeper.is_working:
            raise RecordingError(keeper.path, "nothing is written any more; the log says why")


class _Watch:
    """Notices what did not reach us."""

    def __init__(self, connection: Bus) -> None:
        self._connection = connection
        self._dropped = connection.statistics().dropped
        self._joins = connection.joins
        self._looked_us = now_us()

    def look(self) -> list[Gap]:
        """Return what was missed since the last look."""
        found, dropped = [], self._connection.statistics().dropped
        now = now_us()
        if dropped > self._dropped:
            found.append(Gap(self._looked_us, now, dropped - self._dropped, "the recorder did not keep up"))
        if self._connection.joins > self._joins:
            found.append(Gap(self._looked_us, now, None, "the broker was away"))
        self._dropped, self._joins = dropped, self._connection.joins
        if self._connection.connected:
            self._looked_us = now
        return found
