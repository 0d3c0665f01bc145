"""A broker that also listens on the original's socket, and what the tests of it share."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ess_bus.client import Bus
from tests.fims_client import FimsClient
from tests.integration.conftest import ROOT, Process, Start, eventually


class Server(NamedTuple):
    """A broker on both sockets."""

    bus: str
    path: Path

    def join(self, name: str, *uris: str, pub_only: bool = False) -> FimsClient:
        client = FimsClient(self.path, name)
        if uris:
            assert client.subscribe(*uris, pub_only=pub_only) == b"SUCCESS"
        return client


@contextmanager
def one_server() -> Iterator[Server]:
    """One broker for all tests of a file, for those that leave nothing behind in it."""
    folder = Path(tempfile.mkdtemp(prefix="eb-", dir="/tmp"))
    found = Server(f"ipc://{folder}/broker.sock", folder / "fims")
    command = [sys.executable, "-m", "ess_bus.broker.command", "--bus", found.bus, "--fims-socket", str(found.path)]
    process = Process(command, folder, {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"})
    eventually(lambda: "listening" in process.output)
    yield found
    process.end()
    assert "Traceback" not in process.output
    shutil.rmtree(folder, ignore_errors=True)


def start_server(start: Start, folder: Path, *options: object) -> tuple[Process, Server]:
    found = Server(f"ipc://{folder}/broker.sock", folder / "fims")
    process = start("ess_bus.broker.command", "--bus", found.bus, "--fims-socket", found.path, *options)
    eventually(lambda: "listening" in process.output or process.popen.poll() is not None)
    return process, found


def about(bus: Bus, name: str) -> dict[str, Any]:
    """Return what the broker says of the client of that name."""
    (found,) = [client for client in bus.get("/bus/clients") if client["name"] == name]
    return dict(found)
