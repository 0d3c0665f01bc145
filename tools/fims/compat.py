"""``FIMS_COMPAT=1``: exit statuses and silences of the original tools, for scripts that rely on them (fims.md B4)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import click

VARIABLE = "FIMS_COMPAT"


def wanted() -> bool:
    """Tell whether this process shall end as the original would."""
    return os.environ.get(VARIABLE, "0") not in ("", "0")


def run(command: click.Command, name: str) -> NoReturn:
    """Run a click command and exit; wrong usage, elsewhere 2, is 1 where the original's status is wanted."""
    from ess_bus import commandline

    if wanted():
        import logging

        # The original waits for its server without a word.
        logging.getLogger("ess_bus.client.waiting").setLevel(logging.ERROR)
    try:
        commandline.run(command, name)
    except SystemExit as end:
        if end.code == commandline.USAGE and wanted():
            sys.exit(commandline.FAILED)
        raise
