"""The site of ``configs/demo`` for a measurement: a private copy at free ports, on buses of its own."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from ess_bus.client import Bus
from ess_bus.errors import BusError
from tools.bench.processes import ROOT, Failed, Process
from tools.ports import free_port

FOLDERS: Final = ("demo", "clou", "catl", "pe_pcs", "meter", "plant")
_UP_WITHIN_S: Final = 120.0
_PORT: Final = re.compile(r'(?<="port": )\d+')
_LOG: Final = 1 << 20


class DemoSite:
    """A running site.

    Attributes:
        plant: a client of the plant's bus, where HybridOS takes its orders.
    """

    def __init__(self, process: Process, plant: Bus) -> None:
        self.plant = plant
        self._process = process

    def processes(self) -> dict[str, int]:
        """Return name in the site file -> process id."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return {_name(Path(f"/proc/{child}")): int(child) for child in children}

    def order(self, **values: Any) -> None:
        """Let HybridOS write this."""
        self.plant.set("/hybridos", values)

    def until(self, condition: Callable[[dict[str, Any]], bool], within_s: float = _UP_WITHIN_S) -> None:
        """Wait until what HybridOS sees is so.

        Raises:
            Failed: that takes too long; the text has what it sees.
        """
        deadline = time.monotonic() + within_s
        seen: Any = None
        while True:
            try:
                seen = self.plant.get("/hybridos")
                if condition(seen):
                    return
            except BusError as error:
                seen = error
            if time.monotonic() > deadline or self._process.popen.poll() is not None:
                raise Failed(f"the site does not get there: HybridOS sees {seen}")
            time.sleep(0.05)


@contextmanager
def demo_site() -> Iterator[DemoSite]:
    """Run the site; it is up when the block begins, and Off.

    Raises:
        Failed: it does not start.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="eb-")))
        copy_configs(folder / "configs")
        variables = [f"{name}={folder}" for name in ("XDG_RUNTIME_DIR", "XDG_STATE_HOME")]
        site_file = folder / "configs" / "demo" / "site.toml"
        command = [sys.executable, "-m", "tools.ess_site.command", "up", str(site_file)]
        process = stack.enter_context(Process(["env", f"PYTHONPATH={ROOT}", *variables, *command]))
        deadline = time.monotonic() + _UP_WITHIN_S
        while "site up" not in process.said(_LOG):
            if process.popen.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the site did not start: {process.last_words()}")
            time.sleep(0.1)
        plant = stack.enter_context(Bus(f"ipc://{folder}/ess-bus/plant.sock", name="bench"))
        site = DemoSite(process, plant)
        site.until(lambda seen: seen["state"] == "stop" and seen["bms_soc"] is not None)
        yield site


def copy_configs(folder: Path) -> dict[str, int]:
    """Copy what the site is made of; return device -> the free port where client and server of it meet there."""
    ports = {}
    for name in FOLDERS:
        shutil.copytree(ROOT / "configs" / name, folder / name)
        files = [folder / name / f"{name}_{side}.json" for side in ("client", "server")]
        if not files[0].exists():
            continue
        ports[name] = free_port()
        for file in files:
            file.write_text(_PORT.sub(str(ports[name]), file.read_text()))
    return ports


def _name(process: Path) -> str:
    variables = process.joinpath("environ").read_bytes().split(b"\0")
    prefix = b"ESS_PROCESS_NAME="
    return next((one.removeprefix(prefix).decode() for one in variables if one.startswith(prefix)), process.name)
