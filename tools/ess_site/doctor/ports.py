"""The TCP ports that the processes of a site listen on: free, or in use by whom."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from ess_bus.errors import ConfigurationError
from ess_bus.process import metrics_address
from modbus_bridge.addresses import address_of
from modbus_bridge.config import load_server
from modbus_bridge.config.model import Tcp
from tools.ess_site.doctor.alive import Answers
from tools.ess_site.doctor.finding import Finding, note, ok, unknown, wrong
from tools.ess_site.site_file import Site, SiteProcess

_LOW: Final = 1024


class Port(NamedTuple):
    """A port that a process listens on."""

    process: str
    host: str
    port: int
    purpose: str

    def __str__(self) -> str:
        return f"port {self.port} of {self.host} ({self.process}, {self.purpose})"


class Holder(NamedTuple):
    """Who listens on a port; the command line is empty where this user may not see it."""

    pid: int | None
    words: tuple[str, ...]

    def __str__(self) -> str:
        if self.pid is None:
            return "a process of another user"
        return f"pid {self.pid} ({' '.join(self.words)[:80] or 'unknown'})"


def ports_of(site: Site) -> Iterator[Port]:
    """Yield the ports of all processes, as far as configurations and options tell."""
    for process in site.processes:
        if process.is_broker and process.endpoint.startswith("tcp://"):
            host, _, port = process.endpoint.removeprefix("tcp://").rpartition(":")
            yield Port(process.name, host.strip("[]").replace("*", ""), int(port), "bus")
        if process.command == "modbus_server" and process.config is not None:
            yield from _served(process, process.config)
        yield from _metrics(process)


def look(ports: Iterable[Port], site: Site, answers: Answers) -> Iterator[Finding]:
    """Yield what can be said of each port; `answers` tell which processes of the site run."""
    processes = {process.name: process for process in site.processes}
    taken: dict[tuple[str, int], Port] = {}
    for port in ports:
        before = taken.setdefault((port.host, port.port), port)
        if before is not port:
            yield wrong(f"{port}", f"{before.process} is to listen there too", "give one of them another port")
        else:
            yield _look(port, processes[port.process], answers)


def _served(process: SiteProcess, config: Path) -> Iterator[Port]:
    given = _option(process, "--listen")
    try:
        address = load_server(config)[0].address if given is None else address_of(given)
    except (ConfigurationError, ValueError):
        return  # the check of the configuration tells
    if isinstance(address, Tcp):
        yield Port(process.name, address.host, address.port, "Modbus")


def _metrics(process: SiteProcess) -> Iterator[Port]:
    text = _option(process, "--metrics")
    try:
        address = None if text is None else metrics_address(text)
    except ValueError:
        return  # the process itself says so when it is started
    if address is not None:
        yield Port(process.name, *address, "metrics")


def _option(process: SiteProcess, name: str) -> str | None:
    for index, argument in enumerate(process.args):
        option, equals, value = argument.partition("=")
        if option == name:
            return value if equals else next(iter(process.args[index + 1 :]), None)
    return None


def _look(port: Port, process: SiteProcess, answers: Answers) -> Finding:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            port.host or None, port.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, number) as probe:
            # As the servers do: what is left of closed connections is in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return _in_use(port, process, answers)
        return _in_the_way(port, error)
    return ok(f"{port}", "free")


def _in_use(port: Port, process: SiteProcess, answers: Answers) -> Finding:
    holder, name = _holder(port.port), process.name
    if holder.pid is not None and holder.pid == answers.pids.get(name):
        return ok(f"{port}", f"in use by {name} itself, which runs")
    if holder.pid is not None and (holder.pid == answers.silent.get(name) or _is_of(process, holder)):
        # To stop it as if it were in the way would be the wrong advice; what is the matter is told of the process.
        text = f"in use by {name} itself, pid {holder.pid}, which does not answer on the bus"
        return note(f"{port}", text, f"see {name} below; if its site was stopped, it is left over: kill {holder.pid}")
    return wrong(f"{port}", f"in use by {holder}", "stop that process, or give this one another port")


def _is_of(process: SiteProcess, holder: Holder) -> bool:
    words = tuple(process.arguments)
    return holder.words[-len(words) :] == words


def _in_the_way(port: Port, error: OSError) -> Finding:
    if error.errno == errno.EACCES and port.port < _LOW:
        advice = "choose a port from 1024 up, or let systemd grant CAP_NET_BIND_SERVICE (ess_site systemd does)"
        return wrong(f"{port}", "ports below 1024 need a privilege", advice)
    if error.errno in (errno.EADDRNOTAVAIL, socket.EAI_NONAME):
        return wrong(f"{port}", "this machine does not have that address", "use an address of ip addr, or 0.0.0.0")
    return unknown(f"{port}", (error.strerror or str(error)).lower())


def _holder(port: int) -> Holder:
    try:
        found = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.laddr]
    except psutil.Error:
        return Holder(None, ())
    pid = next((one.pid for one in found if one.laddr.port == port and one.pid is not None), None)
    if pid is None:
        return Holder(None, ())
    try:
        return Holder(pid, tuple(psutil.Process(pid).cmdline()))
    except psutil.Error:
        return Holder(pid, ())
