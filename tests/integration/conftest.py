"""Real brokers and processes on private sockets: nothing here is shared between tests, so they may run in parallel."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from ess_bus.client import Bus, Timeouts
from tools.ports import free_port as free_port  # the tests take it from here

if TYPE_CHECKING:
    from tests.integration.clou_site import Site

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
# How long anything may take on a machine that has other things to do. What is there sooner is not waited for.
PATIENCE_S = 60.0
PATIENT = Timeouts(connect=PATIENCE_S, request=PATIENCE_S, send=PATIENCE_S)


class Process:
    """A started command; its output is collected in a file."""

    def __init__(self, arguments: list[str], folder: Path, environment: dict[str, str]) -> None:
        number = len(list(folder.glob("output-*")))
        self.output_file = folder / f"output-{number}"
        with self.output_file.open("wb") as output:
            self.popen = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=ROOT
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def output(self) -> str:
        return self.output_file.read_text(errors="replace")

    def stop(self, number: int = signal.SIGTERM, timeout_s: float = PATIENCE_S) -> int:
        """Send a signal and return the exit status."""
        self.popen.send_signal(number)
        return self.popen.wait(timeout_s)

    def end(self) -> None:
        if self.popen.poll() is None:
            # A stopped (SIGSTOP) child only hears SIGKILL.
            self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(5)
            self.popen.kill()
            self.popen.wait()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A private folder whose path is short enough for a socket."""
    path = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    path.chmod(0o700)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """The environment of every process of a test: bus names resolve inside `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ESS_")}
    return {
        **kept,
        "XDG_RUNTIME_DIR": str(folder),
        "XDG_STATE_HOME": str(folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT),
    }


Start = Callable[..., Process]


@pytest.fixture
def start(folder: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Start a module of this project (`start("ess_bus.broker.command", "--bus", ...)`); it ends with the test."""
    started: list[Process] = []

    def start_module(module: str, *arguments: object, bus: str | None = None) -> Process:
        variables = {**environment, "ESS_BUS": bus} if bus else environment
        process = Process([sys.executable, "-m", module, *map(str, arguments)], folder, variables)
        started.append(process)
        return process

    yield start_module
    for process in reversed(started):
        process.end()


@pytest.fixture
def run(folder: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a module of this project to its end and return status, stdout and stderr."""

    def run_module(
        module: str, *arguments: object, bus: str | None = None, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        variables = {**environment, "ESS_BUS": bus} if bus else environment
        command = [sys.executable, "-m", module, *map(str, arguments)]
        return subprocess.run(
            command,
            input=stdin or "",
            env=variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )

    return run_module


@pytest.fixture
def broker(start: Start, folder: Path) -> str:
    """The endpoint of a running broker."""
    endpoint = f"ipc://{folder}/broker.sock"
    start_broker(start, endpoint)
    return endpoint


@pytest.fixture
def bus(broker: str) -> Iterator[Bus]:
    """A connection of the test's own to that broker."""
    with Bus(broker, name="test", timeouts=PATIENT) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared_broker() -> Iterator[str]:
    """The endpoint of one broker for all tests of a file, for those that leave nothing behind in it."""
    folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    endpoint = f"ipc://{folder}/broker.sock"
    command = [sys.executable, "-m", "ess_bus.broker.command", "--bus", endpoint]
    process = Process(command, folder, {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})
    eventually(lambda: "listening" in process.output)
    yield endpoint
    process.end()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def send(
    run: Callable[..., subprocess.CompletedProcess[str]], shared_broker: str
) -> Callable[..., tuple[int, str, str]]:
    """Run fims_send at the shared broker and return (status, stdout, stderr)."""

    def run_send(*arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
        result = run("tools.fims_send", *arguments, bus=shared_broker, stdin=stdin)
        return result.returncode, result.stdout, result.stderr

    return run_send


@pytest.fixture(scope="module")
def whole() -> Iterator[Site]:
    """The site of ``configs/demo``, for all tests of a file."""
    from tests.integration.clou_site import running  # with it come packages that few tests need

    with running() as found:
        yield found


@pytest.fixture
def site(whole: Site) -> Site:
    """The same, off and without a fault."""
    whole.rest()
    return whole


def start_broker(start: Start, endpoint: str) -> Process:
    """Start a broker and return when it listens."""
    process = start("ess_bus.broker.command", "--bus", endpoint)
    eventually(lambda: "listening" in process.output or process.popen.poll() is not None)
    assert process.popen.poll() is None, process.output
    return process


def eventually(condition: Callable[[], T], timeout_s: float = PATIENCE_S) -> T:
    """Wait until `condition` holds and return its value; an exception counts as not yet."""
    deadline = time.monotonic() + timeout_s
    while True:
        failure: Exception | None = None
        try:
            value = condition()
            if value:
                return value
        except Exception as error:  # noqa: BLE001 - whatever it is, it may pass
            failure = error
        if time.monotonic() > deadline:
            raise AssertionError(f"never became true: {failure!r}") from failure
        time.sleep(0.02)
