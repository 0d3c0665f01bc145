"""`System` and `Client`: what the benchmark needs to know of a broker, and of the client that its users use."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from tools.ports import LOOPBACK

# What takes a message: URI (or topic, or subject) and body.
Sink = Callable[[Any, bytes], None]
# Where Debian puts servers that a user's PATH need not have.
_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin")


class Client(ABC):
    """One connection, used in the way that the library's documentation shows.

    Every method is a coroutine, so that one driver serves blocking and asyncio libraries; those of blocking libraries
    never suspend. The loops whose speed is measured, `flood` and `receive`, are the library's own, without a layer.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    @abstractmethod
    async def open(self) -> None:
        """Connect."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    async def subscribe(self, uri: str) -> None:
        """Subscribe; return when the broker has acknowledged it, where the library can tell."""

    @abstractmethod
    async def receive(self, sink: Sink) -> None:
        """Give every message to `sink`, until that raises."""

    @abstractmethod
    async def publish(self, uri: str, body: bytes) -> None:
        """Send one message that shall leave at once."""

    @abstractmethod
    async def flood(self, uri: str, body: bytes, count: int) -> None:
        """Send `count` messages, one a call, as fast as the library takes them; return when all have left."""

    async def pause(self, seconds: float) -> None:
        """Wait, and let what was published leave."""
        if seconds > 0:
            time.sleep(seconds)  # noqa: ASYNC251 - a blocking library: nobody else runs in this loop

    async def ask(self, uri: str) -> Any:
        """Send a request and return its answer in the form that the library gives it."""
        raise NotImplementedError

    def expected(self, body: bytes) -> Any:
        """Return what `ask` returns for an answer with this body."""
        return body

    async def answer(self, uri: str, body: bytes, ready: Callable[[], None]) -> None:
        """Answer requests with `body` for ever; call `ready` when that has begun."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a broker.

    Attributes:
        command: its command line.
        address: where its clients will connect.
        is_up: tells whether it listens.
    """

    command: Sequence[str]
    address: str
    is_up: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class System:
    """A broker and its client.

    Attributes:
        name: its name in the tables.
        launch: prepares the start of its broker in a private, empty folder.
        client: makes a client, given the broker's address.
        program: the broker's program, empty if it comes with the packages.
        packages: the Python packages that its client needs.
        share: how many messages it gets, as a part of what ours gets, so that each run takes about a second.
        answers: whether it has requests.
        variant: whether it is another way to use a system that is there already; only rows that name it measure it.
    """

    name: str
    launch: Callable[[Path], Launch]
    client: Callable[[str], Client]
    program: str = ""
    packages: tuple[str, ...] = ()
    share: float = 1.0
    answers: bool = False
    variant: bool = False

    def missing(self) -> str:
        """Return what is not installed, or nothing."""
        lacking = [f"the program {self.program}"] if self.program and not program(self.program) else []
        return " and ".join(lacking + [f"the package {name}" for name in self.packages if not _version(name)])

    def versions(self) -> str:
        """Return what it consists of, with versions."""
        parts = [f"{self.program} {_program_version(self.program)}"] if self.program else []
        return " + ".join(parts + [f"{name} {_version(name)}" for name in self.packages])


def program(name: str) -> str | None:
    """Return the path of an installed server program."""
    return shutil.which(name) or shutil.which(name, path=":".join(_FOLDERS))


def over_tcp(command: Sequence[str], port: int) -> Launch:
    """Return how to start a server on a port of the loopback address."""
    return Launch(command, f"{LOOPBACK}:{port}", lambda: _accepts(port))


def host_and_port(address: str) -> tuple[str, int]:
    """Split an address."""
    host, _, port = address.rpartition(":")
    return host, int(port)


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _program_version(name: str) -> str:
    path = program(name)
    if path is None:
        return ""
    flag = "-h" if name == "mosquitto" else "--version"
    said = subprocess.run([path, flag], capture_output=True, text=True, check=False, timeout=10)
    found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    return found[0] if found else "of unknown version"
