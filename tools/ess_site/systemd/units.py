"""The units of a site, and those for processes that belong to none; pure but for looking at what a site file names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from ess_bus.endpoint import DEFAULT_NAME, runtime_folder
from ess_bus.errors import ConfigurationError, Problem
from tools.ess_site.site_file import BROKER, MODULES, Site, SiteProcess
from tools.ess_site.systemd.unit import FOLDER, Manager, Unit, target_text
from tools.ess_site.systemd.words import Written, unit_name

# Commands that may have to do with a serial line, or with port 502.
_MODBUS: Final = ("modbus_client", "modbus_server")
# Options that name a file which is written.
_WRITING: Final = ("--audit", "--state", "--dump")
_ETC: Final = f"/etc/{FOLDER}"
_HOMES: Final = ("/home", "/root", "/run/user")


def of_site(path: Path, site: Site, manager: Manager) -> dict[str, str]:
    """Return file name -> content: a service for each process of a site, and a target that starts all of them.

    Raises:
        ConfigurationError: a name is too long for a unit.
    """
    try:
        target = unit_name("ess", site.name, ending=".target")
        names = {one.name: unit_name("ess", site.name, one.name, ending=".service") for one in site.processes}
    except ValueError as error:
        raise ConfigurationError(path, [Problem("name", str(error))]) from None
    brokers = {one.endpoint: names[one.name] for one in site.processes if one.is_broker}
    units = []
    before: tuple[str, ...] = ()
    for process in site.processes:
        broker = () if process.is_broker else (brokers[process.endpoint],)
        after = tuple(dict.fromkeys((*broker, *before)))
        units.append(
            Unit(
                names[process.name],
                f"{process.name} of {site.name} ({process.command})",
                (sys.executable, "-P", *process.arguments),
                {"ESS_BUS": _bus_of(process), "ESS_PROCESS_NAME": process.name},
                after,
                broker,
                target,
                str(Path.cwd()),
                _written_by(process),
                has_serial=process.command in _MODBUS,
                binds_low=process.command == "modbus_server",
            )
        )
        # Each starts when the one before it is ready, as with `ess_site up`.
        before = (names[process.name],)
    files = {unit.name: unit.text(manager) for unit in units}
    return {target: target_text(f"Site {site.name}", tuple(files), manager), **files}


def templates(manager: Manager) -> dict[str, str]:
    """Return file name -> content: a broker, and templates whose instances are named after their configurations.

    ``modbus_client@pcs_1`` works by /etc/ess-bus/pcs_1.json, ``ess_controller@ess`` by the folder /etc/ess-bus/ess.
    """
    file, folder = f"{_ETC}/%i.json", f"{_ETC}/%i"
    rows: Sequence[tuple[str, str, tuple[str, ...]]] = (
        ("fims_server", "the broker", ()),
        ("modbus_client@", "bridge of the device %i", (file,)),
        ("modbus_server@", "Modbus server %i", (file,)),
        ("ess_controller@", "engine %i", ("--name", "%i", folder)),
        ("calculator@", "calculator of the engine %i", ("--engine", "%i", "--process-name", "calculator_%i", folder)),
    )
    return {
        f"{name}.service": _template(name, description, arguments, manager) for name, description, arguments in rows
    }


def home_is_needed(site: Site | None) -> bool:
    """Tell whether the services read something in somebody's home: the program itself, or a configuration."""
    paths = [Path(sys.executable).absolute(), Path(sys.prefix).absolute(), Path(__file__).resolve()]
    paths += [one.config.absolute() for one in site.processes if one.config is not None] if site else []
    return any(path.is_relative_to(home) for path in paths for home in _HOMES)


def _template(name: str, description: str, arguments: tuple[str, ...], manager: Manager) -> str:
    command = name.rstrip("@")
    broker = () if command == BROKER else (f"{BROKER}.service",)
    return Unit(
        f"{name}.service",
        Written(f"ess-bus: {description}"),
        (sys.executable, "-P", "-m", MODULES[command], *map(Written, arguments)),
        {"ESS_BUS": DEFAULT_NAME},
        broker,
        broker,
        has_serial=command in _MODBUS,
        binds_low=command == "modbus_server",
    ).text(manager)


def _written_by(process: SiteProcess) -> tuple[str, ...]:
    """Return the folders of the files that options of a process write."""
    found = []
    words = [word for argument in process.args for word in argument.split("=", 1)]
    for option, value in pairwise(words):
        if option in _WRITING:
            found.append(str(Path(value).absolute().parent))
    return tuple(dict.fromkeys(found))


def _bus_of(process: SiteProcess) -> str:
    """Return the name of a bus in the runtime folder, which is another folder where the services run; else as it is."""
    path = Path(process.endpoint.removeprefix("ipc://"))
    if process.endpoint.startswith("ipc://") and path.parent == runtime_folder() and path.suffix == ".sock":
        return path.stem
    return process.endpoint
