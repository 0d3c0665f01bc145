"""What a process says of itself: how long it runs and what it uses."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any, Final

from ess_bus.client import AsyncBus
from modbus_bridge.polling.statistics import ChannelStatistics

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


def channel(statistics: ChannelStatistics) -> dict[str, Any]:
    """Return what happened on one connection to the device, with the names of gen-3 (modbus.md 3.2)."""
    return {
        "connects": statistics.connects,
        "time_to_connect": statistics.connect_times.extremes_ms(),
        "modbus_read_times": statistics.reads.extremes_ms(),
        "modbus_write_times": statistics.writes.extremes_ms(),
        "num_jobs": statistics.requests,
        "num_fails": statistics.failures,
        "repeats": statistics.repeats,
        "exceptions": {str(code): count for code, count in sorted(statistics.exceptions.items())},
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
