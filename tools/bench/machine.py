"""What a run was measured with: kind of processor, memory, versions. No names, no paths."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import zmq

from tools.bench.peers.base import System


def facts(systems: Iterable[System]) -> dict[str, str]:
    """Return name -> value."""
    used = dict.fromkeys(system.versions() for system in systems if not system.missing())
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores ({_processor()}), {_memory_gb():.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}, "
        f"Python {platform.python_version()}, libzmq {zmq.zmq_version()}",
        "load before the run": f"{os.getloadavg()[0]:.2f} (of other programs; above 0.3, do not believe the figures)",
        "measured": "; ".join(used),
    }


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return re.sub(r"\((R|TM)\)", "", found[1]) if found else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
