"""The site file: which processes a site has, in which order they start, and on which bus each of them is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ess_bus.configuration import problems_of, read_toml
from ess_bus.endpoint import resolve
from ess_bus.errors import ConfigurationError, Disconnected, Problem
from tools.ess_site.output import OWN_NAME

BROKER: Final = "fims_server"
# command -> the module that `python -m` runs
MODULES: Final = {
    BROKER: "ess_bus.broker.command",
    "ess_controller": "ess_bus.engine.command",
    "calculator": "calculator.command",
    "modbus_client": "modbus_bridge.client",
    "modbus_server": "modbus_bridge.server",
    "twins": "tools.twins.command",
    "hybridos": "tools.hybridos.command",
    "fims_echo": "tools.fims_echo",
    "ess_web": "tools.ess_web.command",
    "fims_record": "tools.fims_record",
}
CONFIGURED: Final = frozenset({"ess_controller", "calculator", "modbus_client", "modbus_server", "twins", "hybridos"})


@dataclass(frozen=True, slots=True)
class SiteProcess:
    """One process of a site, ready to be started.

    Attributes:
        name: its name in the log and below ``/processes`` on the bus.
        command: a key of `MODULES`.
        config: its configuration, relative to the working folder; ``None`` for a command that takes none.
        endpoint: the ZeroMQ endpoint of its bus.
        args: further arguments.
    """

    name: str
    command: str
    config: Path | None
    endpoint: str
    args: tuple[str, ...] = ()

    @property
    def is_broker(self) -> bool:
        """Whether this process is a broker."""
        return self.command == BROKER

    @property
    def sign_of_life(self) -> str:
        """The URI that answers once this process is up."""
        return "/bus/stats" if self.is_broker else f"/processes/{self.name}"

    @property
    def arguments(self) -> list[str]:
        """What follows ``python`` on its command line."""
        # Absolute, so that no file name can look like an option.
        config = [] if self.config is None else [str(self.config.absolute())]
        return ["-m", MODULES[self.command], *config, *self.args]


@dataclass(frozen=True, slots=True)
class Site:
    """A site file that was found to be right."""

    name: str
    next: str
    processes: tuple[SiteProcess, ...]


def load(path: Path, bus: str | None = None, *, verbose: bool = False) -> Site:
    """Read a site file.

    Args:
        path: the file.
        bus: where processes are that name no bus; ``None`` is ``ESS_BUS`` or the default bus.
        verbose: whether every process logs in detail.

    Raises:
        ConfigurationError: it cannot be read, or is not a site file; every problem is named.
    """
    site, problems = examine(path, bus, verbose=verbose)
    if problems:
        raise ConfigurationError(path, problems)
    return site


def examine(path: Path, bus: str | None = None, *, verbose: bool = False) -> tuple[Site, list[Problem]]:
    """Read a site file to its end, whatever is wrong with it; return what of it can be used, and the problems.

    Raises:
        ConfigurationError: it cannot be read, or is not TOML.
    """
    data = read_toml(path)
    file, problems = _File.model_construct(process=[]), []
    try:
        file = _File.model_validate(data)
        entries = dict(enumerate(file.process))
    except ValidationError as error:
        problems += problems_of(error)
        entries = dict(_usable(data.get("process")))
    problems += _duplicates(entries)
    processes = []
    for index, entry in entries.items():
        try:
            processes.append(_process(entry, path.parent, f"process.{index}", bus, verbose))
        except _Wrong as wrong:
            problems.append(wrong.problem)
    if not problems:
        problems += _bus_problems(processes)
    return Site(file.name or path.stem, file.next.strip("\n"), tuple(processes)), problems


def _usable(entries: Any) -> Iterator[tuple[int, _Process]]:
    """Yield the entries that are right, of a file that is not."""
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        with suppress(ValidationError):
            yield index, _Process.model_validate(entry)


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("a NUL cannot be part of a command line")
    return text


def _not_ours(name: str) -> str:
    if name == OWN_NAME:
        raise ValueError(f"{OWN_NAME!r} marks the lines of ess_site itself; choose another name")
    return name


_Text = Annotated[str, AfterValidator(_without_nul)]
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.@-]+$", max_length=64), AfterValidator(_not_ours)]


class _Process(BaseModel):
    """A process of the site.

    Attributes:
        name: its name in the log, and below ``/processes`` on its bus.
        command: what is run.
        config: its configuration, a file or a folder, relative to the site file; for the commands that take one.
        bus: a name, ``ipc://PATH`` or ``tcp://HOST:PORT``; where ``--bus`` or ``ESS_BUS`` says if not given.
        args: further arguments of the command.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Name
    command: Literal[
        "fims_server",
        "ess_controller",
        "calculator",
        "modbus_client",
        "modbus_server",
        "twins",
        "hybridos",
        "fims_echo",
        "fims_record",
        "ess_web",
    ]
    config: Annotated[_Text, Field(min_length=1)] | None = None
    bus: Annotated[_Text, Field(min_length=1)] | None = None
    args: list[_Text] = []


class _File(BaseModel):
    """A site file.

    Attributes:
        name: what the site is called; the name of the file if not given.
        next: what `ess_site up` prints when the site is up.
        process: the processes, in the order of their start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    next: str = ""
    process: Annotated[list[_Process], Field(min_length=1)]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a site file."""
    return _File.model_json_schema()


class _Wrong(Exception):
    """Carries a finding out of one entry, so that the others are still looked at."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(where, message)


def _argument_problem(args: list[str]) -> str | None:
    for argument in args:
        if argument.partition("=")[0] == "--bus":
            return "--bus: name the bus with the key bus"
        if argument.partition("=")[0] == "--process-name":
            return "--process-name: the key name gives the name"
    return None


def _process(entry: _Process, folder: Path, where: str, bus: str | None, verbose: bool) -> SiteProcess:
    if entry.config is None and entry.command in CONFIGURED:
        raise _Wrong(f"{where}.config", f"missing; {entry.command} needs a configuration")
    if entry.config is not None and entry.command not in CONFIGURED:
        raise _Wrong(f"{where}.config", f"{entry.command} takes none; use args")
    if (problem := _argument_problem(entry.args)) is not None:
        raise _Wrong(f"{where}.args", problem)
    config = None if entry.config is None else folder / entry.config
    if config is not None and not config.exists():
        raise _Wrong(f"{where}.config", f"{config} does not exist")
    try:
        endpoint = resolve(entry.bus or bus)
    except Disconnected as error:
        raise _Wrong(f"{where}.bus", str(error)) from None
    args = (*entry.args, *(["-v"] if verbose else []))
    return SiteProcess(entry.name, entry.command, config, endpoint, args)


def _duplicates(entries: Mapping[int, _Process]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for index, entry in entries.items():
        if first.setdefault(entry.name, index) != index:
            yield Problem(f"process.{index}.name", f"{entry.name!r} is also the name of process.{first[entry.name]}")


def _bus_problems(processes: list[SiteProcess]) -> Iterator[Problem]:
    """Every bus needs exactly one broker, started before whoever uses it: a process waits for its bus to start."""
    brokers = [(index, process.endpoint) for index, process in enumerate(processes) if process.is_broker]
    first: dict[str, int] = {}
    for index, endpoint in brokers:
        if first.setdefault(endpoint, index) != index:
            yield Problem(f"process.{index}.bus", f"{endpoint} already has the {BROKER} process.{first[endpoint]}")
    for index, process in enumerate(processes):
        broker = first.get(process.endpoint)
        if broker is None:
            yield Problem(f"process.{index}.bus", f"no {BROKER} in this file serves {process.endpoint}")
        elif broker > index:
            yield Problem(f"process.{index}.bus", f"its {BROKER}, process.{broker}, must come before it in the file")
