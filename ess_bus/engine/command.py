"""The command ``ess_controller``."""

from __future__ import annotations

import logging
import time
from collections import Counter
from pathlib import Path

import click

from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.engine.configuration import EMPTY, EngineConfiguration, load
from ess_bus.engine.engine import Engine
from ess_bus.engine.process import EngineProcess
from ess_bus.process import begin, one_segment, process_options, until_stopped

log = logging.getLogger(__name__)


@click.command(
    epilog="""\b
Examples:
  ess_controller configs/bms_power/engine
  ess_controller -n ess_2 --bus plant site/engine
  ess_controller -x
  fims_send -m get -u /ess/full/status/bms/BMSPower

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C
  1  bad configuration, or no broker
  2  wrong usage"""
)
@click.argument("path", metavar="DIR", type=click.Path(path_type=Path), required=False)
@click.option("-x", "--empty", is_flag=True, help="Begin with no tables; they are set over the bus.")
@click.option(
    "-n",
    "--name",
    callback=one_segment,
    default="ess",
    show_default=True,
    help="The engine's name: /NAME/... is every table.",
)
@process_options
def command(
    path: Path | None, empty: bool, name: str, bus: str | None, process_name: str | None, verbose: bool
) -> None:
    """Run the state engine: the data map behind /ess, with links and actions.

    DIR holds JSON files of tables: {"/status/bms": {"BMSPower": {"value": 0}}}; a single file will do.
    """
    if (path is None) is not empty:
        raise click.UsageError("expected DIR, or --empty without it")
    with until_stopped():
        begin(verbose)
        configuration = EMPTY if path is None else load(path)
        _log_warnings(configuration)
        engine = Engine(name)
        engine.advance(time.time(), time.monotonic())
        engine.load(configuration.assignments)
        with Bus(bus, name=process_name or "ess_controller") as connection:
            EngineProcess(engine, connection, configuration.roots, configuration.owned).run()


def _log_warnings(configuration: EngineConfiguration) -> None:
    """Name each kind of warning once: a real configuration has hundreds of variables with the same one."""
    for problem in configuration.warnings:
        log.debug("%s", problem)
    for text, count in Counter(problem.message for problem in configuration.warnings).most_common():
        places = [problem.where for problem in configuration.warnings if problem.message == text]
        log.warning("%s: %s%s", places[0], text, f" (and {count - 1} more places)" if count > 1 else "")


def main() -> None:
    """Console entry point."""
    commandline.run(command, "ess_controller")


if __name__ == "__main__":
    main()
