"""The command ``python -m tools.soak``."""

from __future__ import annotations

import asyncio
import signal

import click

from ess_bus import commandline
from tools.soak.odds import MOST_ROUGH
from tools.soak.run import Soak
from tools.soak.show import Progress, report


@click.command(
    epilog="""\b
Examples:
  make soak                              ten minutes
  make soak SOAK="--minutes 60 --seed 7"
  python -m tools.soak --minutes 0.3
  python -m tools.soak --minutes 1 --rough 5 --connections 3

\b
Exit status:
  0  everything that was published was true or marked, and nothing else was wrong
  1  something was wrong; the report says what
  2  wrong usage"""
)
@click.option("--minutes", type=click.FloatRange(0.1, 100_000), default=10.0, show_default=True, help="How long.")
@click.option("--seed", type=int, default=1, show_default=True, help="The seed of what the device does wrong.")
@click.option(
    "--rough",
    type=click.FloatRange(0, MOST_ROUGH),
    default=1.0,
    show_default=True,
    help="How much more often than usual the device misbehaves.",
)
@click.option(
    "--connections", type=click.IntRange(1, 25), default=1, show_default=True, help="How many the bridge may open."
)
@click.option(
    "--slack",
    type=click.FloatRange(0, 60),
    default=0.0,
    show_default=True,
    help="Seconds that everything may be late, on a machine that is busy with other things.",
)
def command(minutes: float, seed: int, rough: float, connections: int, slack: float) -> int:
    """Let the bridge poll a device that misbehaves, and check everything that it publishes.

    A broker and a modbus_client poll three units and some 200 values at 10 Hz. The device refuses, stalls, closes,
    answers late and answers wrongly; one unit is silent. Every value that is published must be what the device said a
    moment ago, or marked as not known; a set that is confirmed must have reached the device; no process may end and
    none may grow.
    """
    # Ended by a service or a time limit, it takes its processes with it as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    soak = Soak(minutes * 60, seed, rough=rough, connections=connections, slack_s=slack)
    progress = Progress(soak)
    try:
        asyncio.run(soak.run(progress.tell))
    finally:
        progress.end()
    click.echo(report(soak))
    return 1 if soak.findings.counts else 0


def main() -> None:
    """Entry point."""
    commandline.run(command, "soak")
