"""A bus with Modbus on both sides: what the rows about the bridge are made of."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ess_bus.client import Bus, Subscription
from ess_bus.errors import BusError
from tools.bench import registry
from tools.bench.parent import Job
from tools.bench.peers.ours import NAME as OURS
from tools.bench.plants import Part, client_file, plant_uri, server_file
from tools.bench.processes import Bench, Failed, Process, Server, Worker

LABEL: Final = "modbus_client"
_READY_WITHIN_S: Final = 30.0
_INBOX: Final = 100_000


class Hub:
    """A broker, a client of it in this process, and a folder for configurations.

    Attributes:
        bus: the client.
    """

    def __init__(self, bench: Bench, server: Server, bus: Bus, folder: Path) -> None:
        self.bus = bus
        self._bench = bench
        self._server = server
        self._folder = folder

    @contextmanager
    def process(self, module: str, document: dict[str, Any], name: str) -> Iterator[Process]:
        """Run one of our programs with a configuration."""
        file = self._folder / f"{name}.json"
        file.write_text(json.dumps(document))
        with Process([sys.executable, "-m", module, str(file), "--bus", self._server.address]) as process:
            yield process

    def until_ready(self, process: Process, name: str) -> None:
        """Wait until a process says on the bus that it is there.

        Raises:
            Failed: it ended, or took too long.
        """
        deadline = time.monotonic() + _READY_WITHIN_S
        while True:
            try:
                self.bus.get(f"/processes/{name}", timeout_s=1.0)
                return
            except BusError:
                if process.popen.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"{name} did not start: {process.last_words()}") from None
                time.sleep(0.02)

    @contextmanager
    def serving(self, parts: Sequence[Part], port: int) -> Iterator[None]:
        """Serve these values by a ``modbus_server``; they are known when the block begins."""
        name = "bench_device"
        with self.process("modbus_bridge.server", server_file(parts, name, port), name) as process:
            self.until_ready(process, f"modbus_server@{name}")
            for part in parts:
                self.bus.publish(plant_uri(part), part.values())
            self.bus.flush()
            yield

    @contextmanager
    def bridging(
        self, parts: Sequence[Part], port: int, name: str = "device", timeout_s: float = 1.0
    ) -> Iterator[Process]:
        """Poll these values by a ``modbus_client``; `until_ready` waits for it."""
        with self.process("modbus_bridge.client", client_file(parts, name, port, timeout_s), name) as process:
            yield process

    def until_bridging(self, process: Process, name: str = "device") -> None:
        """Wait until a bridge is ready.

        Raises:
            Failed: it ended, or took too long.
        """
        self.until_ready(process, f"modbus_client@{name}")

    def until_true(self, parts: Sequence[Part]) -> None:
        """Wait until the bridges publish every value of these.

        Raises:
            Failed: that takes too long; the text says which value is missing.
        """
        missing = {f"/components/{part.id}": part for part in parts}
        deadline = time.monotonic() + _READY_WITHIN_S
        with self.bus.subscribe("/components", pub_only=True) as messages:
            while missing:
                message = messages.receive(max(0.0, deadline - time.monotonic()))
                if message is None:
                    raise Failed(f"values of {next(iter(missing))} are missing")
                part = missing.get(message.uri)
                body = message.json() if part else {}
                if part and all(body.get(name) is not None for name in part.ids):
                    del missing[message.uri]

    def arrivals(self, seconds: float) -> Mapping[str, list[float]]:
        """Return component -> when its pubs arrived, over so many seconds, in seconds of the monotonic clock."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        with self.bus.subscribe("/components", pub_only=True, size=_INBOX) as messages:
            deadline = time.monotonic() + seconds
            for uri in _until(messages, deadline):
                found[uri.removeprefix("/components/")].append(time.monotonic())
            if messages.dropped:
                raise Failed(f"{messages.dropped} pubs were dropped: the measuring side was too slow")
        return found

    @contextmanager
    def worker(self, role: str, **job: Any) -> Iterator[Worker]:
        """Start a worker of a role that speaks Modbus."""
        shared: Job = {"deadline_s": 120.0}
        with self._bench.workers(self._server, role, **{**shared, **job}) as workers:
            yield workers[0]

    def statistics(self, part: Part) -> dict[str, Any]:
        """Return what its bridge counts of a component."""
        told: dict[str, Any] = self.bus.get(f"/components/{part.id}/_stats")["component"]
        return told

    def requests(self) -> int:
        """Return how many requests the server has answered."""
        return int(self.bus.get("/interfaces/bench_device")["requests"])


@contextmanager
def hub(bench: Bench) -> Iterator[Hub]:
    """Run a broker and be its client."""
    with (
        bench.server(registry.system(OURS)) as server,
        tempfile.TemporaryDirectory(prefix="eb-") as folder,
        Bus(server.address, name="bench") as bus,
    ):
        yield Hub(bench, server, bus, Path(folder))


def _until(messages: Subscription, deadline: float) -> Iterator[str]:
    while (left := deadline - time.monotonic()) > 0:
        for message in messages.burst(left, 1000):
            yield message.uri
