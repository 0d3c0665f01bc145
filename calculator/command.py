"""The command ``calculator``."""

from __future__ import annotations

import json
import logging
import time
from pathlib import Path

import click

from calculator import checking
from calculator.configuration import CalculatorConfiguration, load
from calculator.explaining import SERVED, text
from calculator.process import CalculatorProcess
from ess_bus import commandline
from ess_bus.client import Bus
from ess_bus.errors import EssError, NoOneListening
from ess_bus.process import begin, one_segment, process_options, until_stopped
from ess_bus.reference import Reference
from ess_bus.service.running import Service
from ess_bus.uri import join, relative

log = logging.getLogger(__name__)

EXPLAIN_EVERY_S = 1.0


@click.command(
    epilog="""\b
Examples:
  calculator
  calculator configs/bms_power/engine
  calculator --engine ess_2 site/engine/bms_manager.json
  calculator --check configs/bms_power/engine
  calculator --explain /status/bms:BMSPower --once

\b
Exit status:
  0  stopped by SIGTERM or Ctrl-C; with --check: everything can be calculated
  1  bad configuration, no broker, or nobody who could explain; with --check: something cannot be calculated
  2  wrong usage"""
)
@click.argument("path", metavar="[CONFIG]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--engine",
    callback=one_segment,
    default="ess",
    show_default=True,
    metavar="NAME",
    help="The engine that holds the variables.",
)
@click.option(
    "--zero-on-failure",
    is_flag=True,
    help="Set 0 where a calculation fails though all operands are valid (division by zero, a text where a number is "
    "needed) and where an expression says nothing, as the original does; without it the result is null.",
)
@click.option("--check", is_flag=True, help="List the calculators of CONFIG with their operands, and end.")
@click.option(
    "--explain",
    metavar="VARIABLE",
    help="Show how the running calculator came to a result: operands, values, ages; once a second.",
)
@click.option("--once", is_flag=True, help="With --explain: show it once.")
@process_options
def command(
    path: Path | None,
    engine: str,
    zero_on_failure: bool,
    check: bool,
    explain: str | None,
    once: bool,
    bus: str | None,
    process_name: str | None,
    verbose: bool,
) -> None:
    """Calculate derived variables such as BMSPower and set them on the engine.

    Calculators are variables of the engine with numVars, variable1..N and operation or expression. CONFIG is a JSON
    file, or a folder of them, with more of them that the engine does not have; it may be the engine's own folder.
    """
    if check and path is None:
        raise click.UsageError("--check needs CONFIG")
    if once and explain is None:
        raise click.UsageError("--once belongs to --explain")
    with until_stopped():
        service = begin(verbose)
        configuration = None if path is None else load(path, engine)
        if check and configuration is not None:
            _check(configuration)
            return
        with Bus(bus, name=process_name or "calculator") as connection:
            if explain is not None:
                _explain(connection, engine, explain, once)
            else:
                _run(connection, engine, configuration, zero_on_failure, service)


def _run(
    bus: Bus, engine: str, configuration: CalculatorConfiguration | None, zero_on_failure: bool, service: Service
) -> None:
    for problem in configuration.warnings if configuration else ():
        log.warning("%s", problem)
    files = configuration.tables if configuration else {}
    process = CalculatorProcess(bus, engine, files, zero_on_failure=zero_on_failure)
    with service.running(process.measures, bus) as pulse:
        process.run(pulse)


def _check(configuration: CalculatorConfiguration) -> None:
    for line in checking.lines(configuration):
        click.echo(line)
    for problem in configuration.found.warnings:
        log.warning("%s", problem)
    if checking.problems(configuration):
        raise SystemExit(1)


def _explain(bus: Bus, engine: str, variable: str, once: bool) -> None:
    try:
        place = Reference.parse(variable)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    below = relative(place.table, f"/{engine}")
    if below:
        place = place._replace(table=join(below))  # as one types it for fims_send
    while True:
        try:
            answer = bus.get(f"{SERVED}/{engine}{place.table}/{place.name}")
        except NoOneListening:
            raise EssError(f"no calculator runs for /{engine}") from None
        try:
            shown = text(answer)
        except (LookupError, TypeError, AttributeError, ValueError):
            got = f"{json.dumps(answer):.60}"
            raise EssError(f"{SERVED}/{engine}: expected a calculator's explanation, got {got}") from None
        click.echo(shown)
        if once:
            return
        time.sleep(EXPLAIN_EVERY_S)


def main() -> None:
    """Console entry point."""
    commandline.run(command, "calculator")


if __name__ == "__main__":
    main()
