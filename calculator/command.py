"""The command ``calculator``."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from calculator.configuration import load
from calculator.graph import Calculator
from calculator.process import CalculatorProcess
from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.process import begin, one_segment, process_options, until_stopped

log = logging.getLogger(__name__)


@click.command(
    epilog="""\b
Examples:
  calculator configs/bms_power/engine
  calculator --engine ess_2 site/engine/bms_manager.json

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C
  1  bad configuration, or no broker
  2  wrong usage"""
)
@click.argument("path", metavar="CONFIG", type=click.Path(path_type=Path))
@click.option(
    "--engine",
    callback=one_segment,
    default="ess",
    show_default=True,
    metavar="NAME",
    help="The engine that holds the variables.",
)
@process_options
def command(path: Path, engine: str, bus: str | None, process_name: str | None, verbose: bool) -> None:
    """Calculate derived variables such as BMSPower and set them on the engine.

    CONFIG is a JSON file, or a folder of them, with variables that have numVars, variable1..N, operation and scale;
    it may be the engine's own folder.
    """
    with until_stopped():
        begin(verbose)
        configuration = load(path)
        for problem in configuration.warnings:
            log.warning("%s", problem)
        with Bus(bus, name=process_name or "calculator") as connection:
            log.info("calculators for /%s: %d", engine, len(configuration.calculations))
            CalculatorProcess(Calculator(configuration.calculations), connection, engine).run()


def main() -> None:
    """Console entry point."""
    commandline.run(command, "calculator")


if __name__ == "__main__":
    main()
