"""What both ends of Modbus TCP do with their sockets."""

from __future__ import annotations

import os
import socket


def keep_alive(connected: socket.socket, *, idle_s: int, every_s: int, probes: int) -> None:
    """Let the kernel notice a peer that vanished without a word: it asks after `idle_s`, then `probes` times."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", idle_s), ("TCP_KEEPINTVL", every_s), ("TCP_KEEPCNT", probes)):
        # Not every system knows all three.
        if (option := getattr(socket, name, None)) is not None:
            connected.setsockopt(socket.IPPROTO_TCP, option, value)


def reason_of(error: OSError) -> str:
    """Return in a few words why a socket could not be opened."""
    # asyncio wraps the text in a sentence; a name that cannot be resolved has a negative number.
    text = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return text or str(error)
