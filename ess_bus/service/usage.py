"""What a process uses: time of the processor and memory."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Final, NamedTuple

_STARTED_S: Final = time.monotonic()
_KIBIBYTE: Final = 1024


class Usage(NamedTuple):
    """Seconds since this process began, seconds of the processor that it took, and bytes of memory in use now."""

    uptime_s: float
    cpu_s: float
    rss_bytes: int


def usage() -> Usage:
    """Return what this process has used until now."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(
        time.monotonic() - _STARTED_S, used.ru_utime + used.ru_stime, _resident_bytes(used.ru_maxrss * _KIBIBYTE)
    )


def _resident_bytes(at_most: int) -> int:
    """Return the memory in use now; where the kernel does not tell that, the most that it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return at_most
