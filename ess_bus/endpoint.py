"""Where a broker listens: from what a person types to a ZeroMQ endpoint.

``--bus`` and ``ESS_BUS`` take a name (``plant``) or an endpoint (``ipc:///run/site/bus.sock``, ``tcp://127.0.0.1:4000``).
A name is a socket in the user's private runtime folder, so several buses on one machine need no port numbers.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from ess_bus.errors import Disconnected

DEFAULT_NAME = "bus"
# sun_path of sockaddr_un holds 108 bytes with its NUL (unix(7)).
_MAX_IPC_PATH = 107
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TCP = re.compile(r"tcp://(?:[A-Za-z0-9_.-]+|\*|\[[0-9a-fA-F:]+\]):(\d{1,5})", re.ASCII)


def resolve(bus: str | None = None) -> str:
    """Return the ZeroMQ endpoint for `bus`, or for ``ESS_BUS``, or for the default bus of this user.

    Raises:
        Disconnected: the text is neither a name nor an ``ipc://`` or ``tcp://`` endpoint, or the path is too long.
    """
    text = bus or os.environ.get("ESS_BUS") or DEFAULT_NAME
    if text.startswith("tcp://"):
        port = _TCP.fullmatch(text)
        # ZeroMQ would take port 70000 for 4464, and 0 for any that is free.
        if port is None or not 1 <= int(port[1]) <= 65535:
            raise Disconnected(f"bad bus {text!r}: expected tcp://HOST:PORT with a port of 1 to 65535")
        return text
    if text.startswith("ipc://"):
        path = text.removeprefix("ipc://")
    elif _NAME.fullmatch(text):
        path = str(runtime_folder() / f"{text}.sock")
    else:
        raise Disconnected(f"bad bus {text!r}: expected a name, ipc://PATH or tcp://HOST:PORT")
    if not path.startswith("/") or len(os.fsencode(path)) > _MAX_IPC_PATH:
        reason = f"{path!r} must be absolute and at most {_MAX_IPC_PATH} bytes"
        raise Disconnected(f"bad bus {text!r}: its path {reason}")
    if os.fsencode(path) != path.encode(errors="replace"):
        raise Disconnected(f"bad bus {text!r}: its path must be UTF-8")
    return f"ipc://{path}"


def runtime_folder() -> Path:
    """Return this user's private folder for sockets: in ``XDG_RUNTIME_DIR``, or else in the temporary folder."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    return Path(base) / "ess-bus" if base else Path(os.environ.get("TMPDIR", "/tmp")) / f"ess-bus-{os.getuid()}"  # noqa: S108


def prepare(endpoint: str) -> None:
    """Make the folder of an ``ipc://`` endpoint, private to this user if it is in the runtime folder.

    Raises:
        Disconnected: the runtime folder belongs to somebody else or others can use it, or something that is not a
            socket has the endpoint's path.
    """
    if not endpoint.startswith("ipc://"):
        return
    path = Path(endpoint.removeprefix("ipc://"))
    try:
        if path.parent == runtime_folder():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not path.parent.is_dir():
            raise Disconnected(f"{endpoint}: the folder {path.parent} does not exist")
        # ZeroMQ deletes whatever it finds there before it binds.
        if path.exists() and not path.is_socket():
            raise Disconnected(f"{endpoint}: {path} exists and is not a socket")
    except Disconnected:  # an OSError too
        raise
    except OSError as error:
        raise Disconnected(f"{endpoint}: {error.strerror}: {error.filename}") from None
    require_private(endpoint)


def require_private(endpoint: str) -> None:
    """Check that nobody else can have put a socket into the runtime folder; a folder that is not there is fine.

    Raises:
        Disconnected: it belongs to somebody else, or others can use it.
    """
    folder = Path(endpoint.removeprefix("ipc://")).parent
    if folder != runtime_folder():
        return
    try:
        found = folder.lstat()
    except OSError:
        return
    if found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077 or not stat.S_ISDIR(found.st_mode):
        raise Disconnected(f"{folder} must be a folder of this user with mode 0700")
