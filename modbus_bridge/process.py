"""What the two processes of this package say in their logs, besides `ess_bus.process`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ess_bus.errors import Problem

log = logging.getLogger(__name__)

_SHOWN = 10


def log_warnings(source: Path, warnings: Sequence[Problem]) -> None:
    """Say in a few lines what in a file has no effect."""
    for warning in warnings[:_SHOWN]:
        log.warning("%s: %s", source, warning)
    if len(warnings) > _SHOWN:
        log.warning("%s: %d more like this; --check shows all", source, len(warnings) - _SHOWN)


def log_error(what: str, error: BaseException) -> None:
    """Say in one line that something failed which nobody foresaw; where in the program is for those who ask (-v)."""
    log.error("%s: %s: %s", what, type(error).__name__, error)
    log.debug("the traceback of it", exc_info=error)


def log_briefly(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Handle in one line what nobody awaited: what is raised inside of asyncio ends nothing."""
    error = context.get("exception")
    log.warning("%s: %s", context.get("message", "error"), error)
    log.debug("the traceback of it", exc_info=error)
