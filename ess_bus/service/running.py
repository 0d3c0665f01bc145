"""A process as those see it who run it: `Service` is what the command line said, `Pulse` what is told while it runs."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from ess_bus.errors import EssError
from ess_bus.service import logs
from ess_bus.service.measures import Measure, counter, gauge, info
from ess_bus.service.notify import is_watched, notify
from ess_bus.version import installed

if TYPE_CHECKING:
    from ess_bus.client.shell import BusStatistics
    from ess_bus.desk import Desk
    from ess_bus.service.exporter import Exporter

log = logging.getLogger(__name__)

BEAT_S: Final = 1.0
Source = Callable[[], Iterable[Measure]]


class Connected(Protocol):
    """What a pulse needs of a `Bus` or `AsyncBus`."""

    @property
    def name(self) -> str:
        """What the process calls itself."""

    @property
    def desk(self) -> Desk:
        """What answers below ``/processes/NAME``."""

    def statistics(self) -> BusStatistics:
        """Return the counters of the connection."""


class Address(NamedTuple):
    """Where metrics are served."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    """What the command line says of how a process is watched.

    Attributes:
        command: the name of the command.
        metrics: where metrics are served, if they are.
    """

    command: str
    metrics: Address | None = None

    @contextmanager
    def running(self, source: Source, bus: Connected | None = None, name: str | None = None) -> Iterator[Pulse]:
        """Be watched inside of this block.

        Args:
            source: what the process knows of itself, asked in its own loop.
            bus: its connection, which then also answers for the log level.
            name: what it is called, if it has no connection.

        Raises:
            EssError: metrics cannot be served.
        """
        called = bus.name if bus is not None else name or self.command
        logs.call(called)

        def everything() -> Iterator[Measure]:
            yield _about(self.command, called)
            if bus is not None:
                yield from of_connection(bus.statistics())
            yield from source()

        exporter = None if self.metrics is None else _exporter(self.metrics)
        if bus is not None:
            bus.desk[logs.LOG_LEVEL] = logs.answer
        try:
            yield Pulse(exporter, everything)
        finally:
            notify("STOPPING=1")
            if exporter is not None:
                exporter.close()


class Pulse:
    """Signs of life: to be given by the very loop that does the work, so that they end when it hangs."""

    def __init__(self, exporter: Exporter | None = None, source: Source = tuple) -> None:
        self._exporter, self._source = exporter, source
        self._next_s = float("-inf")
        self._is_watched = is_watched()

    def ready(self) -> None:
        """Say that this process serves now."""
        self.beat()
        notify(f"READY=1\nMAINPID={os.getpid()}")

    def beat(self) -> None:
        """Say that this process lives, and let its measures be seen; may be called at any rate, acts once a second."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + BEAT_S
        if self._is_watched:
            notify("WATCHDOG=1")
        if self._exporter is not None:
            try:
                self._exporter.take(self._source())
            except Exception:
                # Who counts must not stop who works; that the snapshot grows old is seen.
                log.exception("the metrics could not be taken")

    async def beat_forever(self) -> None:
        """Beat from a task of an event loop."""
        while True:
            self.beat()
            await asyncio.sleep(BEAT_S)


def _exporter(address: Address) -> Exporter:
    try:
        from ess_bus.service.exporter import Exporter
    except ModuleNotFoundError:
        raise EssError("--metrics needs prometheus-client; install ess-bus[metrics]") from None
    exporter = Exporter(*address)
    log.info("metrics are at http://%s/metrics", address)
    return exporter


def _about(command: str, name: str) -> Measure:
    labels = {"command": command, "process": name, "version": installed(), "pid": str(os.getpid())}
    return info("ess_process", "The process", {**labels, "python": sys.version.split()[0]})


def of_connection(seen: BusStatistics) -> Iterator[Measure]:
    """Yield what a connection to the bus counts."""
    yield gauge("ess_connection_up", "1 while the broker knows this process", float(seen.connected))
    yield gauge("ess_connection_waiting", "Messages that wait for the process", seen.waiting)
    for name, text in (
        ("joins", "How often the broker has welcomed the process; each but the first was a reconnection"),
        ("sent", "Messages sent"),
        ("received", "Messages received"),
        ("dropped", "Messages lost because the process did not read"),
        ("undelivered", "Messages of the process that reached nobody"),
        ("garbage", "Frames that were not understood"),
    ):
        yield counter(f"ess_connection_{name}", text, getattr(seen, name))
