"""What a process uses: memory and processor time, from ``/proc``."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
# Positions after the command's name in /proc/PID/stat, proc(5).
_UTIME, _STIME = 11, 12


def memory_mb(pid: int, field: str = "VmRSS") -> float:
    """Return resident memory in MB (10^6 bytes); ``VmHWM`` is its peak so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024 / 1e6
    raise ValueError(f"/proc/{pid}/status has no {field}")


def cpu_s(pid: int) -> float:
    """Return the processor time that all threads of a process have used, in seconds; exact to a hundredth."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) * _TICK_S


class Meter:
    """Measures the share of one core that a process uses from now on."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began, self._used = time.monotonic(), cpu_s(pid)

    def percent(self) -> float:
        """Return the share since the start, in percent of one core."""
        return (cpu_s(self._pid) - self._used) / (time.monotonic() - self._began) * 100
