"""`free_port`: a port of the loopback address that is this process's own until it ends.

Below the range from which the system takes the ports of outgoing connections: one of these may take any port that is
free at the moment, between the look at it and its use, or while what listens there is restarted; and whoever goes on
trying to reach such a port may end up connected to himself.
"""

from __future__ import annotations

import random
import socket
import sys
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_PORTS: Final = range(12_000, 32_000)


def free_port() -> int:
    """Return a port of the loopback address that nobody uses now, another one at each call.

    Processes that look for a port in this way never find the same one at a time.

    Raises:
        OSError: there is none.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        if _is_unused(port) and _take(port):
            return port
    raise OSError(f"no port is free from {_PORTS.start} to {_PORTS.stop - 1}")


def _is_unused(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _take(port: int) -> bool:
    """Claim a port among the processes that look for one; only Linux has names that end with their socket."""
    if sys.platform != "linux":
        return True
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as guard:
        try:
            guard.bind(f"\0ess-bus-port-{port}")
        except OSError:
            return False
        guard.detach()  # stays open until the process ends
    return True
