"""Who is at the other end of a ZeroMQ connection, by what the kernel or the key exchange says; clients claim anything.

=============  =====================================================================================================
transport      user
=============  =====================================================================================================
ipc            the owner of the process that connected: libzmq puts SO_PEERCRED (unix(7)) into a frame's Peer-Address
tcp with keys  the name of the client's key in the allow-list: the User-Id of ZAP (RFC 27)
tcp without    none: nobody has proved anything
=============  =====================================================================================================
"""

from __future__ import annotations

import pwd
from functools import lru_cache

import zmq

from ess_bus.broker.clients import Origin


def origin_of(frame: zmq.Frame) -> Origin:
    """Return where a frame comes from that was received with ``copy=False``."""
    address = _property(frame, "Peer-Address") or ""
    user = _property(frame, "User-Id")
    return Origin(address, user) if user else _of_local(address) or Origin(address)


def _of_local(address: str) -> Origin | None:
    """Parse ``localhost:UID:GID:PID``, which libzmq makes of the credentials of a Unix domain socket's peer."""
    match address.rsplit(":", 3):
        case (_, uid, _, pid) if uid.isdecimal():
            return Origin(f"pid {pid}" if pid.isdecimal() else "", user_name(int(uid)))
    return None


def user_name(uid: int) -> str:
    """Return the login name of a user, or the number as text: users of a container, or deleted ones, have no name."""
    try:
        return _known_name(uid)
    except KeyError:
        return str(uid)


# A look-up may ask a directory on the network, and names hardly ever change. What was not found is not remembered.
@lru_cache(maxsize=256)
def _known_name(uid: int) -> str:
    return pwd.getpwuid(uid).pw_name


def _property(frame: zmq.Frame, name: str) -> str | None:
    try:
        return str(frame.get(name))
    except zmq.ZMQError:  # this connection has none
        return None
