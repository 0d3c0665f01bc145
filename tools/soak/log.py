"""Does a line of a log tell of an error of the program itself? No I/O."""

from __future__ import annotations

from typing import Final

_TRACES: Final = ("Traceback", "exception was never retrieved", "Exception in callback", "was destroyed but it is")
# What a loop survives it says in one line of this level; a device that misbehaves is at most a warning.
_LEVELS: Final = ("ERROR ", "CRITICAL ")


def is_error(line: str) -> bool:
    """Tell whether a line is about an exception that nobody foresaw, whether it ended a task or not."""
    return line.startswith(_LEVELS) or any(trace in line for trace in _TRACES)
