"""``ess_site systemd``: print or write units."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from ess_bus.commandline import FAILED
from ess_bus.errors import EssError
from tools.ess_site import check as checking
from tools.ess_site.options import bus_option
from tools.ess_site.site_file import load
from tools.ess_site.systemd.unit import FOLDER, Manager
from tools.ess_site.systemd.units import home_is_needed, of_site, templates

_MODE: Final = 0o644


@click.command(
    epilog="""\b
Examples:
  ess_site systemd configs/demo/site.toml                        print them
  ess_site systemd site.toml --output /etc/systemd/system
  ess_site systemd --user site.toml --output ~/.config/systemd/user
  ess_site systemd --output /etc/systemd/system                  templates: modbus_client@.service ...

\b
Exit status:
  0  done
  1  the site file or a configuration is wrong, or a file cannot be written
  2  wrong usage"""
)
@bus_option
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help="Write them there, instead of printing.")
@click.option("--user", is_flag=True, help="Units of this user (systemctl --user), not of the machine.")
@click.option("--run-as", metavar="USER", help=f"The user that the machine's units run as.  [default: {FOLDER}]")
@click.argument("site_file", metavar="[SITE.toml]", type=click.Path(path_type=Path), required=False)
def systemd(site_file: Path | None, bus: str | None, output: Path | None, run_as: str | None, *, user: bool) -> int:
    """Write systemd units for the processes of a site, with a target that starts all of them.

    Without SITE.toml: templates of single processes, whose configurations are in /etc/ess-bus.
    """
    if user and run_as:
        raise click.UsageError("--run-as is of no use with --user")
    if run_as is not None and (run_as.split() != [run_as] or not run_as.isprintable()):
        raise click.UsageError(f"--run-as: expected the name of a user, got {run_as!r}")
    site = None if site_file is None else load(site_file, bus)
    refused = [one for one in checking.check(site) if one.refused] if site else []
    if refused:
        for line in (line for one in refused for line in one.report(verbose=False)):
            click.echo(line, err=True)
        return FAILED
    manager = Manager(user, run_as or FOLDER, home_is_needed(site))
    files = templates(manager) if site is None or site_file is None else of_site(site_file, site, manager)
    if output is None:
        click.echo("\n".join(f"# {name}\n{content}" for name, content in files.items()), nl=False)
    else:
        _write(output, files)
        _say_what_to_do(next(iter(files)), is_site=site is not None, manager=manager)
    return 0


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write all files or, if that cannot be, none."""
    if not folder.is_dir():
        raise EssError(f"{folder}: expected a folder that exists")
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".ess_site-") as name:
            for file, content in files.items():
                written = Path(name) / file
                written.write_text(content)
                written.chmod(_MODE)
            for file in files:
                (Path(name) / file).replace(folder / file)
    except OSError as error:
        raise EssError(f"{folder}: {error.strerror}") from None
    for file in files:
        click.echo(folder / file)


def _say_what_to_do(first: str, *, is_site: bool, manager: Manager) -> None:
    systemctl = "systemctl --user" if manager.is_user else "systemctl"
    if not manager.is_user:
        click.echo(f"They run as {manager.run_as}; where there is no such user: useradd --system {manager.run_as}")
    click.echo(f"Next: {systemctl} daemon-reload && {systemctl} enable --now {first if is_site else 'fims_server'}")
