"""Who is at the other end of a connection, by what the kernel or the key exchange says and not by what the client claims.

=============  ======================================================================================================
transport      user
=============  ======================================================================================================
ipc            the owner of the process that connected: libzmq puts SO_PEERCRED (unix(7)) into the frame's Peer-Address
tcp with keys  the name of the client's key in the allow-list: the User-Id of ZAP (RFC 27)
tcp without    `ANONYMOUS`: nobody has proved anything
=============  ======================================================================================================
"""

from __future__ import annotations

import pwd
from functools import lru_cache
from typing import Final, NamedTuple

import zmq

ANONYMOUS: Final = "anonymous"


class Identity(NamedTuple):
    """Where a connection comes from, for people, and the user that the rules and the audit trail go by."""

    address: str
    user: str


def of_frame(frame: zmq.Frame) -> Identity:
    """Return who sent a frame that was received with ``copy=False``."""
    address = _property(frame, "Peer-Address") or "unknown"
    user = _property(frame, "User-Id")
    if user:
        return Identity(address, user)
    return _of_local(address) or Identity(address, ANONYMOUS)


def _of_local(address: str) -> Identity | None:
    """Parse ``localhost:UID:GID:PID``, which libzmq makes of the credentials of a Unix domain socket's peer."""
    match address.split(":"):
        case ["localhost", uid, _, pid] if uid.isdecimal():
            return Identity(f"pid {pid}" if pid.isdecimal() else "local", _name_of(int(uid)))
    return None


# A look-up may ask a directory on the network, and names hardly ever change.
@lru_cache(maxsize=1024)
def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # a container's user, or one that was deleted
        return f"uid {uid}"


def _property(frame: zmq.Frame, name: str) -> str | None:
    try:
        return str(frame.get(name)) or None
    except zmq.ZMQError:  # this connection has none
        return None
