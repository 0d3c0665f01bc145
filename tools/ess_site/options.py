"""Options that the commands of ess_site share."""

from __future__ import annotations

from pathlib import Path

import click

bus_option = click.option(
    "--bus",
    metavar="BUS",
    help="Where processes are that name no bus: a name, ipc://PATH or tcp://HOST:PORT.  [env: ESS_BUS; default: bus]",
)
site_argument = click.argument("site_file", metavar="SITE.toml", type=click.Path(path_type=Path))
