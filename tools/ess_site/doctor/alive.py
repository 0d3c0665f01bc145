"""What the processes of a site answer on the bus, if they run."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ess_bus.client import AsyncBus
from ess_bus.client.link import Timeouts
from ess_bus.errors import BusError, EssError, RequestTimeout
from tools.ess_site.output import OWN_NAME
from tools.ess_site.site_file import Site, SiteProcess

_TIMEOUTS: Final = Timeouts(connect=1.0)
_ANSWER_S: Final = 2.0


@dataclass(slots=True)
class Answers:
    """What was answered.

    Attributes:
        about: name of a process -> what it says of itself, for those that run; a broker's are its statistics.
        trouble: name of a process -> why it told nothing.
        details: name of a process -> URI -> what was answered there; ``None`` for no answer.
        silent: name of a process -> its process id, as far as it is known, for those that are there and did not answer
            in time; a broker is there when its socket takes connections.
        cut_off: name of a process that could not be asked -> the broker of the site that did not connect it.
    """

    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    silent: dict[str, int | None] = field(default_factory=dict)
    cut_off: dict[str, str] = field(default_factory=dict)

    @property
    def pids(self) -> dict[str, int]:
        """Name -> process id of those that run."""
        return {name: about["pid"] for name, about in self.about.items() if isinstance(about.get("pid"), int)}


def ask(site: Site, uris: dict[str, list[str]]) -> Answers:
    """Ask every process whether it runs, and those that do for the URIs that are given by their names."""
    return asyncio.run(_ask(site, uris))


async def _ask(site: Site, uris: dict[str, list[str]]) -> Answers:
    answers = Answers()
    for endpoint in dict.fromkeys(process.endpoint for process in site.processes):
        processes = [process for process in site.processes if process.endpoint == endpoint]
        try:
            async with AsyncBus(endpoint, name=OWN_NAME, timeouts=_TIMEOUTS) as bus:
                await asyncio.gather(*(_ask_one(bus, process, uris, answers) for process in processes))
        except EssError as error:
            _not_connected(processes, error, answers)
    return answers


def _not_connected(processes: list[SiteProcess], error: EssError, answers: Answers) -> None:
    broker = next((process for process in processes if process.is_broker), None)
    for process in processes:
        answers.trouble.setdefault(process.name, str(error))
        if broker is not None and process is not broker and process.name not in answers.about:
            answers.cut_off[process.name] = broker.name
    if broker is not None and (there := _listener(broker.endpoint)) is not None:
        answers.silent[broker.name] = there or None


def _listener(endpoint: str) -> int | None:
    """Return the process id of who listens there, 0 if that cannot be seen, ``None`` if nobody does.

    The kernel accepts connections for a process that hangs: this tells it from one that is gone.
    """
    kind, _, address = endpoint.partition("://")
    with suppress(OSError, ValueError):
        if kind == "ipc":
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(_TIMEOUTS.connect)
                probe.connect(address)
                return _peer(probe)
        host, _, port = address.rpartition(":")
        with socket.create_connection((host.strip("[]").replace("*", "127.0.0.1"), int(port)), _TIMEOUTS.connect):
            return 0
    return None


def _peer(connected: socket.socket) -> int:
    if not hasattr(socket, "SO_PEERCRED"):
        return 0
    size = struct.calcsize("3i")
    pid, _, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(pid)


async def _ask_one(bus: AsyncBus, process: SiteProcess, uris: dict[str, list[str]], answers: Answers) -> None:
    try:
        about = await bus.get(process.sign_of_life, timeout_s=_ANSWER_S)
    except EssError as error:
        answers.trouble[process.name] = str(error)
        if isinstance(error, RequestTimeout):
            answers.silent[process.name] = await _pid_on_the_bus(bus, process.name)
        return
    if not isinstance(about, dict):
        answers.trouble[process.name] = f"{process.sign_of_life} answered something else than expected"
        return
    answers.about[process.name] = about
    found = answers.details[process.name] = {}
    for uri in (*uris.get(process.name, ()), *_more(process, about)):
        found[uri] = None
        with suppress(EssError):
            found[uri] = await bus.get(uri, timeout_s=_ANSWER_S)


async def _pid_on_the_bus(bus: AsyncBus, name: str) -> int | None:
    """Ask the broker who has that name: it knows that of those, too, that say nothing any more."""
    try:
        clients = await bus.get("/bus/clients", timeout_s=_ANSWER_S)
    except BusError:
        return None
    if not isinstance(clients, list):
        return None
    pids = [one.get("pid") for one in clients if isinstance(one, dict) and one.get("name") == name]
    return next((pid for pid in pids if isinstance(pid, int)), None)


def _more(process: SiteProcess, about: dict[str, Any]) -> list[str]:
    """Return what else to ask, at a prefix that only the process itself knows."""
    prefix = about.get("prefix")
    if not isinstance(prefix, str):
        return []
    return {"ess_controller": [f"{prefix}/naked"], "calculator": [f"/calculator{prefix}"]}.get(process.command, [])
