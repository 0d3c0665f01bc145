"""Brokers and workers as processes of their own, all ended when the benchmark ends, however that comes."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self, cast

from ess_bus.errors import EssError
from tools.bench.peers.base import System
from tools.bench.scale import Scale

ROOT: Final = Path(__file__).parents[2]
UP_WITHIN_S: Final = 15.0
# What a worker may take for one job, unless the job says otherwise.
DEADLINE_S: Final = 120.0
_END_WITHIN_S: Final = 5.0
_PR_SET_PDEATHSIG: Final = 1
_libc = ctypes.CDLL(None)


class Failed(EssError):
    """Something could not be measured."""


class Process:
    """A started program; what it says on stderr is kept for the error text."""

    def __init__(self, command: Sequence[str], *, talks: bool = False) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `end`
        pipe = subprocess.PIPE if talks else None
        self.popen = subprocess.Popen(
            command,
            stdin=pipe or subprocess.DEVNULL,
            stdout=pipe or self._log,
            stderr=self._log,
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("ESS_")},
            # Ctrl-C is for us alone; we end the others in order. If we are killed, the kernel does.
            process_group=0,
            preexec_fn=_die_with_parent,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.popen.pid

    def end(self) -> None:
        """Stop it, by force if need be."""
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            if self.popen.poll() is None:
                self.popen.send_signal(number)
                if number != signal.SIGCONT:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        self.popen.wait(_END_WITHIN_S)
        for stream in (self.popen.stdin, self.popen.stdout, self._log):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def said(self, most: int) -> list[str]:
        """Return the lines of the last `most` bytes that it said on stderr."""
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), most, max(0, size - most)).decode(errors="replace")
        return [line.strip() for line in text.split("\n") if line.strip()]

    def last_words(self) -> str:
        """Return the last line of its stderr."""
        return next(reversed(self.said(4096)), "it said nothing")


class Worker(Process):
    """A publisher, subscriber, owner or requester: `tools.bench.worker` with one job."""

    def __init__(self, job: dict[str, Any]) -> None:
        self._what = f"{job['role']} of {job['system']}"
        self._deadline_s = job["deadline_s"]
        self._buffer = b""
        super().__init__([sys.executable, "-m", "tools.bench.worker", json.dumps(job)], talks=True)
        self._hears, self._says = cast(IO[bytes], self.popen.stdin), cast(IO[bytes], self.popen.stdout)

    def tell(self, word: str) -> None:
        """Send it a word that it waits for."""
        try:
            self._hears.write(f"{word}\n".encode())
            self._hears.flush()
        except BrokenPipeError:
            raise self._failed("it has ended") from None

    def hear(self, event: str) -> dict[str, Any]:
        """Wait for one of its events and return the facts.

        Raises:
            Failed: it ended, or did not say it in time.
        """
        # It ends itself before, and says what it has.
        deadline = time.monotonic() + self._deadline_s + _END_WITHIN_S
        while True:
            said = json.loads(self._line(deadline, event))
            if said.pop("event") == event:
                facts: dict[str, Any] = said
                return facts

    def _line(self, deadline: float, event: str) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._says, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise self._failed(f"it did not say {event!r} in time")
                piece = os.read(self._says.fileno(), 1 << 16)
                if not piece:
                    self.popen.wait(_END_WITHIN_S)
                    raise self._failed(f"it ended with status {self.popen.returncode}")
                self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _failed(self, what: str) -> Failed:
        return Failed(f"the {self._what}: {what}: {self.last_words()}")


@dataclass(frozen=True, slots=True)
class Server:
    """A running broker.

    Attributes:
        system: of which kind.
        address: where its clients connect.
        pid: its process id.
    """

    system: System
    address: str
    pid: int


class Bench:
    """What a row has at hand: its scale, and processes that end with it."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale

    @contextmanager
    def server(self, system: System) -> Iterator[Server]:
        """Run the broker of a system in a private folder, on loopback or a private socket."""
        with ExitStack() as stack:
            # Short, for the sake of socket paths.
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eb-")))
            launch = system.launch(folder)
            process = stack.enter_context(Process(launch.command))
            deadline = time.monotonic() + UP_WITHIN_S
            while not launch.is_up():
                if process.popen.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"the broker of {system.name} did not start: {process.last_words()}")
                time.sleep(0.02)
            yield Server(system, launch.address, process.pid)

    @contextmanager
    def workers(self, server: Server, role: str, copies: int = 1, **job: Any) -> Iterator[list[Worker]]:
        """Start workers of one role; they differ in their `number`."""
        shared = {"system": server.system.name, "address": server.address, "role": role, "deadline_s": DEADLINE_S}
        with ExitStack() as stack:
            yield [stack.enter_context(Worker({**shared, "number": number, **job})) for number in range(copies)]


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
