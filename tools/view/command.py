"""``ess_view``: the command that shows a site in a terminal."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import click

from ess_bus.commandline import FAILED, run
from ess_bus.endpoint import resolve
from ess_bus.errors import EssError
from ess_bus.process import bus_option, one_segment
from tools.view.site import RunningSite


@click.command(
    epilog="""\b
Examples:
  ess_view                                    the site on this user's bus
  ess_view --bus tcp://10.0.0.7:4500          another one; over ssh as well, 80x24 is enough
  ess_view --read-only                        look on, operate nothing
  ess_view --site configs/demo/site.toml      start a site, show it, stop it with q

\b
Keys:
  o on   f off   b standby   p, r set point (type a number)   c clear faults   e emergency stop
  d all values   ? the same from a shell   q quit
What lets power flow asks back (y); off and emergency stop do not.

\b
Exit status:
  0  quit
  1  no terminal, or the site could not be started
  2  wrong usage"""
)
@click.option("--engine", default="ess", show_default=True, callback=one_segment, help="The name of the engine.")
@click.option("--ess", callback=one_segment, metavar="ASSET", help="The ESS to operate.  [default: the first]")
@click.option("--read-only", is_flag=True, help="The keys that operate the site do nothing.")
@click.option(
    "--site",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="SITE.toml",
    help="Start this site with ess_site up, and stop it at the end.",
)
@click.option("--log", type=click.Path(dir_okay=False, path_type=Path), help="With --site: the file for its log.")
@bus_option
def command(engine: str, ess: str | None, read_only: bool, site: Path | None, log: Path | None, bus: str | None) -> int:
    """Show the single line of a site, live, and operate it.

    What is shown comes from the tables of the engine: /status, /controls, /links, /assets and its state machines. A
    value that is not valid is shown as that; what comes from a device or engine that is silent is grey, with its age.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        raise EssError("expected a terminal; fims_send and fims_listen do the same for scripts")
    if log is not None and site is None:
        raise click.UsageError("--log goes with --site")
    resolve(bus)
    from tools.view.app import View  # textual takes long to import

    with nullcontext() if site is None else RunningSite(site, log, bus) as running:
        about = "" if running is None else str(running.log)
        ended = str if running is None else running.ended
        view = View(bus, engine, ess, read_only=read_only, about=about, ended=ended)
        status = view.run()
    if running is not None:
        click.echo(f"the log of the site is in {running.log}")
    if view.failure:
        raise EssError(view.failure)
    return FAILED if status is None else status


def main() -> None:
    """Console entry point."""
    run(command, "ess_view")


if __name__ == "__main__":
    main()
