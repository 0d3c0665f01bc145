"""What a process says of itself: how long it runs and what it uses."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any, Final

from ess_bus.client import AsyncBus

_STARTED_S: Final = time.monotonic()
_KIBIBYTE: Final = 1024


def process(name: str) -> dict[str, Any]:
    """Return name, pid, up-time, CPU time and memory."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "name": name,
        "pid": os.getpid(),
        "uptime_s": round(time.monotonic() - _STARTED_S, 3),
        "cpu_s": round(used.ru_utime + used.ru_stime, 3),
        "rss_bytes": _resident_bytes(used.ru_maxrss * _KIBIBYTE),
    }


def bus(connection: AsyncBus) -> dict[str, Any]:
    """Return the counters of the connection to the bus."""
    return connection.statistics()._asdict()


def _resident_bytes(at_most: int) -> int:
    """Return the memory in use now; where the kernel does not tell that, the most that it ever was."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return at_most
