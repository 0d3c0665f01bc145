"""Who is at the other end of a Unix socket, by what the kernel says; clients may claim anything."""

from __future__ import annotations

import pwd
import socket
import struct
from functools import lru_cache
from typing import Final

_CREDENTIALS: Final = struct.Struct("3i")


def peer_of(accepted: socket.socket) -> tuple[int, str]:
    """Return process id and login name of who connected (SO_PEERCRED, unix(7)); without a name, the number as text."""
    pid, uid, _ = _CREDENTIALS.unpack(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    try:
        return pid, _name(uid)
    except KeyError:  # a container's user, or one that was deleted
        return pid, str(uid)


# A look-up may ask a directory on the network, and names hardly ever change. What was not found is not remembered.
@lru_cache(maxsize=256)
def _name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name
