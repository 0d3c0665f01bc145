"""`LocalDoor`: the file of a Unix socket: who may connect there, and that only one broker is behind it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from pathlib import Path
from typing import Final, TextIO

from ess_bus import endpoint as endpoints
from ess_bus.errors import Disconnected

_BACKLOG: Final = 1024


class LocalDoor:
    """A listening socket at ``ipc://PATH``, and the lock beside it that is held until it is closed.

    Args:
        endpoint: ``ipc://PATH``.
        group: the number of a group whose members may connect too; without it, only this user may.

    Attributes:
        socket: what clients connect to; another one after `reopen`.

    Raises:
        Disconnected: a broker is there already, or the path cannot be used.
    """

    def __init__(self, endpoint: str, group: int | None = None) -> None:
        endpoints.prepare(endpoint)
        self._endpoint = endpoint
        self._group = group
        self._path = Path(endpoint.removeprefix("ipc://"))
        self._lock = _lock(endpoint)
        self.socket = _socket()
        try:
            self._listen()
        except BaseException:
            self.close()
            raise

    @property
    def is_there(self) -> bool:
        """Whether clients can find it: somebody may have deleted the file."""
        return self._path.is_socket()

    def reopen(self) -> None:
        """Listen anew after the file was deleted: without it nobody would ever find us, and the lock keeps others out.

        Raises:
            Disconnected: the path cannot be used now.
        """
        self.socket.close()
        self.socket = _socket()
        self._listen()

    def close(self) -> None:
        """Stop listening; the socket file and its lock go too."""
        self.socket.close()
        # While the lock is held the file is nobody else's.
        for path in (self._path, Path(self._lock.name)):
            with contextlib.suppress(OSError):
                path.unlink()
        self._lock.close()

    def _listen(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()  # of a broker that was killed: its lock is ours now
        # Only this user may connect: connecting needs write permission on the socket file.
        mask = os.umask(0o177)
        try:
            self.socket.bind(str(self._path))
        except OSError as error:
            raise Disconnected(f"cannot listen on {self._endpoint}: {(error.strerror or '').lower()}") from None
        finally:
            os.umask(mask)
        if self._group is not None:
            self._open_to(self._group)
        self.socket.listen(_BACKLOG)

    def _open_to(self, group: int) -> None:
        if self._path.parent == endpoints.runtime_folder():
            raise Disconnected(
                f"cannot open {self._endpoint} to a group: its folder is private; use ipc://PATH in another"
            )
        try:
            os.chown(self._path, -1, group)
            self._path.chmod(0o660)
        except OSError as error:
            raise Disconnected(f"cannot open {self._endpoint} to a group: {(error.strerror or '').lower()}") from None


def _socket() -> socket.socket:
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)


def _lock(endpoint: str) -> TextIO:
    """Hold a lock file beside the socket: a file that is there does not tell whether a broker is behind it."""
    path = Path(endpoint.removeprefix("ipc://") + ".lock")
    try:
        while True:
            # Whoever can open it can lock it, and so keep the broker from starting.
            held = open(path, "a+", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(held.fileno()).st_ino:
                break
            # The broker before us has just removed the file that we opened.
            held.close()
    except BlockingIOError:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise Disconnected(f"cannot listen on {endpoint}: a broker is already there (pid {owner})") from None
    except OSError as error:
        raise Disconnected(f"cannot listen on {endpoint}: {error.strerror}: {path}") from None
    # It only serves the message above: a disk that is full must not keep the bus from starting.
    with contextlib.suppress(OSError):
        os.truncate(held.fileno(), 0)
        os.write(held.fileno(), str(os.getpid()).encode())
    return held
