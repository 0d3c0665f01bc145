"""``ess_site doctor``: look at everything, and say what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click

from ess_bus.commandline import FAILED
from ess_bus.engine.state_file import default_file
from ess_bus.errors import ConfigurationError
from ess_bus.output import wants_colours
from modbus_bridge.config import load_server
from tools.ess_site import check as checking
from tools.ess_site.doctor import alive, devices, machine, ports, processes
from tools.ess_site.doctor.finding import Finding, Verdict, ok, summary, wrong
from tools.ess_site.options import bus_option, site_argument
from tools.ess_site.site_file import Site, load

_COLOURS = {Verdict.OK: "green", Verdict.NOTE: "yellow", Verdict.WRONG: "red", Verdict.UNKNOWN: "cyan"}


@click.command(
    epilog="""\b
Examples:
  ess_site doctor configs/demo/site.toml
  ess_site doctor -q site.toml && ess_site up site.toml

\b
What it prints:
  ok       as it should be
  note     worth a look
  WRONG    does not work; the line below says what to do
  unknown  could not be found out

\b
Exit status:
  0  nothing is wrong
  1  something is
  2  wrong usage"""
)
@bus_option
@click.option("-q", "--quiet", is_flag=True, help="Do not print what is as it should be.")
@site_argument
def doctor(site_file: Path, bus: str | None, *, quiet: bool) -> int:
    """Check configurations, ports, folders, disks, clock and devices of a site; if it runs, its processes and values.

    Nothing is changed, and no device is asked that a running bridge is asking.
    """
    site = load(site_file, bus)
    colours = wants_colours(sys.stdout.buffer)
    findings = []
    for finding in _examine(site_file, site):
        findings.append(finding)
        if not (quiet and finding.verdict is Verdict.OK):
            _print(finding, colours=colours)
    click.echo(f"{site.name}: {summary(findings)}")
    return FAILED if any(one.verdict is Verdict.WRONG for one in findings) else 0


def _examine(site_file: Path, site: Site) -> Iterator[Finding]:
    yield ok("site file", f"{site_file}, {len(site.processes)} processes")
    yield from _configurations(site)
    bridges = devices.configurations(site)
    uris = {
        name: [f"/components/{one.id}/_stats" for one in configuration.components]
        for name, configuration in bridges.items()
    }
    answers = alive.ask(site, uris | _interfaces(site))
    served = list(ports.ports_of(site))
    yield from machine.runtime()
    yield from machine.clock()
    yield from _disks(site)
    yield from ports.look(served, site, answers)
    yield from devices.look(bridges, answers.about.keys(), served)
    yield from processes.look(site, answers)


def _configurations(site: Site) -> Iterator[Finding]:
    for checked in checking.check(site):
        first, *lines = checked.report(verbose=False)
        if checked.refused:
            more = len(lines) - 1
            text = f"{lines[0] if lines else first}{f' (and {more} more)' if more > 0 else ''}"
            yield wrong(
                f"{checked.process}: configuration", text, "ess_site check shows all of it; the process will not start"
            )
        else:
            yield ok(f"{checked.process}: configuration", first.partition(" ")[2])


def _interfaces(site: Site) -> dict[str, list[str]]:
    found = {}
    for process in site.processes:
        if process.command == "modbus_server" and process.config is not None:
            try:
                found[process.name] = [f"/interfaces/{load_server(process.config)[0].id}"]
            except ConfigurationError:
                continue
    return found


def _disks(site: Site) -> Iterator[Finding]:
    folders: dict[Path, str] = {}
    for process in site.processes:
        if process.command == "ess_controller" and "--no-state" not in process.args:
            folders.setdefault(default_file("ess", process.endpoint).parent, "disk: settings")
        for option, value in pairwise(process.args):
            if option == "--audit":
                folders.setdefault(Path(value).absolute().parent, "disk: audit trail")
    for folder, what in folders.items():
        yield machine.disk(what, folder)


def _print(finding: Finding, *, colours: bool) -> None:
    first, *others = finding.lines()
    if colours:
        length = len(finding.verdict)
        first = click.style(first[:length], fg=_COLOURS[finding.verdict]) + first[length:]
    click.echo("\n".join([first, *others]), color=colours)
