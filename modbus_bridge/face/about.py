"""What a process says of itself: how long it runs and what it uses."""

from __future__ import annotations

import os
from typing import Any

from ess_bus.client import AsyncBus
from ess_bus.service.usage import usage
from modbus_bridge.polling.statistics import ChannelStatistics


def process(name: str) -> dict[str, Any]:
    """Return name, pid, up-time, CPU time and memory."""
    used = usage()
    return {
        "name": name,
        "pid": os.getpid(),
        "uptime_s": round(used.uptime_s, 3),
        "cpu_s": round(used.cpu_s, 3),
        "rss_bytes": used.rss_bytes,
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
