"""The command ``twins``."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.errors import Problem
from ess_bus.process import begin, process_options, until_stopped
from tools.twins.configuration import load
from tools.twins.control import Control
from tools.twins.process import TwinsProcess

log = logging.getLogger(__name__)


@click.command(
    epilog="""\b
Examples:
  twins --bus plant configs/plant
  twins --check configs/plant                          # what of it means nothing here, or is wrong
  fims_send --bus plant -m set -u /components/ess_1 '{"oncmd": true, "pcmd": 500}'
  fims_send --bus plant -m set -u /components/ess_1/accontactorstuck true      # a fault
  fims_send --bus plant -m set -u /twins/tick 3600                             # with "manualTick": true

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C, or checked
  1  bad configuration, or no broker
  2  wrong usage"""
)
@click.argument("path", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only say what of CONFIG is wrong, or means nothing here.")
@process_options
def command(path: Path, bus: str | None, process_name: str | None, verbose: bool, *, check: bool) -> int | None:
    """Simulate a plant: publish /components/ID, answer gets, take sets, let time pass.

    CONFIG is JSON, or a folder of it: models of grids, feeders, batteries, converters and loads with what connects
    them, or just {"publishRate": 100, "components": {"bms": {"soc": 50}}}, the rate in milliseconds.
    """
    if check:
        return _checked(path)
    with until_stopped():
        service = begin(verbose)
        configuration = load(path)
        for problem in configuration.warnings:
            log.warning("%s: %s", path, problem)
        with Bus(bus, name=process_name or "twins") as connection:
            process = TwinsProcess(connection, Control(configuration))
            with service.running(process.measures, connection) as pulse:
                process.serve(pulse)
    return None


def _checked(path: Path) -> int:
    """Print everything that was found, and a verdict, as the bridges do; return the exit status."""
    # Imported when needed: a plant needs no bridge.
    from modbus_bridge.check import check_files

    def checked(path: Path, *, strict: bool = False) -> tuple[object, list[Problem]]:
        del strict  # a plant has no stricter rules
        configuration = load(path)
        return configuration, list(configuration.warnings)

    return check_files([path], checked)


def main() -> None:
    """Console entry point."""
    commandline.run(command, "twins")


if __name__ == "__main__":
    main()
