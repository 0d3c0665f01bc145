"""Worlds: a broker, and the ways to it. One in memory; two with a real `fims_server` process on its own socket."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from abc import ABC, abstractmethod
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ess_bus.broker.limits import Limits
from ess_bus.client import Bus
from ess_bus.control import Mode
from ess_bus.transport import connect
from ess_bus.transport.base import Transport
from ess_bus.transport.memory import Hub
from tests.conformance.peer import Peer
from tests.integration.conftest import ROOT, Process, eventually, free_port

KINDS = ("memory", "ipc", "tcp")


class World(ABC):
    """A broker that can be stopped and started, and its clients."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._peers: list[Peer] = []

    @abstractmethod
    def transport(self) -> Transport:
        """Return a new connection on which nothing was said."""

    @abstractmethod
    def bus(self, **options: Any) -> Bus:
        """Return a client that is not connected yet."""

    @abstractmethod
    def start(self) -> None:
        """Start a broker that knows nobody."""

    @abstractmethod
    def stop(self) -> None:
        """Kill the broker."""

    def stranger(self, name: str = "peer") -> Peer:
        """Return a connection that has not said hello."""
        peer = Peer(self.transport(), name)
        self._peers.append(peer)
        return peer

    def peer(self, name: str = "peer", *uris: str, mode: Mode = Mode.ALL) -> Peer:
        """Return a client that is welcome and subscribed."""
        return self.stranger(name).join(*uris, mode=mode)

    def part(self) -> None:
        """Close all connections."""
        for peer in self._peers:
            peer.close()
        self._peers.clear()

    def close(self) -> None:
        self.part()
        self.stop()


class MemoryWorld(World):
    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._hub = Hub(limits)

    def transport(self) -> Transport:
        return self._hub.connect()

    def bus(self, **options: Any) -> Bus:
        return Bus(transport=self._hub.connect, **options)

    def start(self) -> None:
        self._hub.start()

    def stop(self) -> None:
        self._hub.stop()


class ProcessWorld(World):
    def __init__(self, limits: Limits, is_tcp: bool) -> None:
        super().__init__(limits)
        self._folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
        self.endpoint = f"tcp://127.0.0.1:{free_port()}" if is_tcp else f"ipc://{self._folder}/b"
        self._process: Process | None = None
        self.start()

    def transport(self) -> Transport:
        return connect(self.endpoint)

    def bus(self, **options: Any) -> Bus:
        return Bus(self.endpoint, **options)

    def start(self) -> None:
        flags = [
            text
            for name, value in asdict(self.limits).items()
            for text in (f"--{name.removesuffix('_s').replace('_', '-')}", str(value))
        ]
        command = [sys.executable, "-m", "ess_bus.broker.command", "--bus", self.endpoint, *flags]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        process = self._process = Process(command, self._folder, environment)
        eventually(lambda: "listening" in process.output or process.popen.poll() is not None)
        assert process.popen.poll() is None, process.output

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop(signal.SIGKILL)
            self._process = None

    def close(self) -> None:
        super().close()
        shutil.rmtree(self._folder, ignore_errors=True)


def make_world(kind: str, limits: Limits = Limits()) -> World:
    """Return a new world of a kind."""
    return MemoryWorld(limits) if kind == "memory" else ProcessWorld(limits, kind == "tcp")
