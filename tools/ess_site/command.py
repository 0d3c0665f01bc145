"""``ess_site``: the command that starts and keeps a whole site."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from ess_bus.commandline import FAILED, run
from ess_bus.errors import EssError
from ess_bus.output import wants_colours
from ess_bus.process import end_with_parent, metrics_option, service
from tools.ess_site import check as checking
from tools.ess_site.doctor.command import doctor
from tools.ess_site.options import bus_option, site_argument
from tools.ess_site.output import Output
from tools.ess_site.site_file import Site, examine, load
from tools.ess_site.systemd.command import systemd


@click.group(
    name="ess_site",
    epilog="""\b
Examples:
  ess_site up configs/demo/site.toml
  ess_site check site.toml
  ess_site doctor site.toml
  ess_site systemd site.toml --output /etc/systemd/system

\b
Exit status:
  0  done; up: stopped on request
  1  a file or a process is wrong (ess_site COMMAND --help says more)
  2  wrong usage

\b
A site file:
  name = "demo"
  next = "Now type: fims_send -m get -u /bms"     printed when the site is up
\b
  [[process]]
  name = "broker"
  command = "fims_server"
\b
  [[process]]
  name = "bms"                 in the log, and /processes/bms on the bus
  command = "modbus_client"
  config = "bms.json"          relative to the site file
  bus = "plant"                optional: a name, ipc://PATH or tcp://HOST:PORT
  args = ["-v"]                optional""",
)
def command() -> None:
    """Start and keep the processes of a site, check their configurations, or write units for systemd."""


@command.command(
    epilog="""\b
Examples:
  ess_site up configs/demo/site.toml
  ESS_BUS=test ess_site up site.toml | tee site.log
  ess_site up site.toml --metrics 9100        Prometheus sees which process is down, and what is restarted

\b
Exit status:
  0  stopped on request
  1  the site file or a configuration is wrong, or a process failed to start
  2  wrong usage"""
)
@bus_option
@click.option("-v", "--verbose", is_flag=True, help="Have every process log what happens in detail.")
@metrics_option
@site_argument
def up(site_file: Path, bus: str | None, *, verbose: bool) -> None:
    """Start every process and keep it running until Ctrl-C.

    Processes start in the order of the site file, each when the one before answers on the bus. When all do, the line
    "site up" is printed. A process that dies is restarted: at once, then after 0.5 and 1 s, and after 2, 4 ... 30 s if
    it does not even come up. SIGINT, SIGTERM and SIGHUP stop the site in reverse order, brokers last.
    """
    from tools.ess_site import supervisor  # circus takes long to import, and only `up` needs it

    end_with_parent()
    site = load(site_file, bus, verbose=verbose)
    _refuse_bad_configurations(site)
    names = [process.name for process in site.processes]
    output = Output(sys.stdout.buffer, names, colours=wants_colours(sys.stdout.buffer))
    asyncio.run(supervisor.run(site, output, service("ess_site")))


@command.command(
    epilog="""\b
Examples:
  ess_site check configs/demo/site.toml
  ess_site check -v site.toml

\b
Exit status:
  0  everything can be used
  1  something is refused
  2  wrong usage"""
)
@click.option("-v", "--verbose", is_flag=True, help="Print each warning too.")
@bus_option
@site_argument
def check(site_file: Path, bus: str | None, *, verbose: bool) -> int:
    """Check the site file and every configuration that it names, without starting anything.

    Everything that is wrong is printed, a line each: the file, the place in it, and what was expected.
    """
    site, problems = examine(site_file, bus)
    click.echo(f"{site.name} {site_file}: {'refused' if problems else 'ok'}")
    for problem in problems:
        click.echo(" ".join(f"{site_file}: {problem}".split()))
    findings = checking.check(site)
    for finding in findings:
        for line in finding.report(verbose=verbose):
            click.echo(line)
    return FAILED if problems or any(finding.refused for finding in findings) else 0


command.add_command(systemd)
command.add_command(doctor)


def _refuse_bad_configurations(site: Site) -> None:
    """Print what is wrong and fail, before anything is started."""
    refused = [finding for finding in checking.check(site) if finding.refused]
    for finding in refused:
        for line in finding.report(verbose=False):
            click.echo(line)
    if refused:
        raise EssError(f"nothing was started: {', '.join(finding.process for finding in refused)} cannot be configured")


def main() -> None:
    """Console entry point."""
    run(command, "ess_site")


if __name__ == "__main__":
    main()
