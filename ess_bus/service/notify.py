"""What systemd is told: that this process is ready, lives, and ends (sd_notify(3)). Without systemd nothing happens."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)


def notify(text: str) -> None:
    """Send one message, such as ``READY=1``; a supervisor that cannot be reached must not stop what works."""
    where = os.environ.get("NOTIFY_SOCKET")
    if not where or where[0] not in "/@":
        return
    # An @ stands for the NUL of an abstract name.
    address = f"\0{where[1:]}" if where[0] == "@" else where
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
            connection.setblocking(False)
            connection.sendto(text.encode(), address)
    except OSError as error:
        log.debug("systemd was not told %s: %s", text, error)


def is_watched() -> bool:
    """Tell whether systemd wants signs of life of this process (sd_watchdog_enabled(3))."""
    meant = os.environ.get("WATCHDOG_PID")
    return bool(os.environ.get("WATCHDOG_USEC")) and meant in (None, str(os.getpid()))
