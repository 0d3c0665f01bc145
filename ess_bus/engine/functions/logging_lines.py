"""LogDebug, LogInfo, LogWarn, LogError, LogIt: a line about the variable in the engine's log."""

from __future__ import annotations

import logging
from typing import Any

from ess_bus.engine.functions.registry import Call, function

log = logging.getLogger(__name__)


@function("LogDebug", takes_invalid=True)
def log_debug(call: Call) -> None:
    """Log the variable and its value, for debugging."""
    log.debug("%s = %s", call.place, _shown(call.value))


@function("LogInfo", "LogIt", takes_invalid=True)
def log_info(call: Call) -> None:
    """Log the variable and its value."""
    log.info("%s = %s", call.place, _shown(call.value))


@function("LogWarn", takes_invalid=True)
def log_warn(call: Call) -> None:
    """Log the variable and its value as a warning."""
    log.warning("%s = %s", call.place, _shown(call.value))


@function("LogError", takes_invalid=True)
def log_error(call: Call) -> None:
    """Log the variable and its value as an error."""
    log.error("%s = %s", call.place, _shown(call.value))


def _shown(value: Any) -> str:
    return "not valid" if value is None else repr(value)[:200]
