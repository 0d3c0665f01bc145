"""The place of the original's socket in the file system: never taken from a running server, gone when this one ends."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ess_bus.errors import Disconnected

NAME: Final = "FlexGen_FIMS_Server.socket"
# More than the original's 20: a site that is started connects all at once, and Go and node do not wait for a place.
_BACKLOG: Final = 512
# How long two servers that start at once wait for each other.
_PATIENCE_S: Final = 5.0
# sun_path of sockaddr_un holds 108 bytes with its NUL (unix(7)).
_MAX_PATH: Final = 107


def default_path() -> Path:
    """Return where programs of the original look for their server: in the temporary folder (fims.md A1.4)."""
    return Path(os.environ.get("TMPDIR") or "/tmp") / NAME  # noqa: S108


class FimsSocket:
    """A listening SOCK_SEQPACKET socket at a path.

    Only this user may connect, or the members of `group` too: connecting needs write permission on the file.

    Raises:
        Disconnected: somebody listens there, something else is there, or the path cannot be used.
    """

    def __init__(self, path: Path, group: int | None = None) -> None:
        if not path.is_absolute() or len(os.fsencode(path)) > _MAX_PATH:
            raise Disconnected(f"cannot listen on {path}: it must be absolute and at most {_MAX_PATH} bytes")
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self.socket.setblocking(False)
            with _alone_in(path.parent):
                self._take_place()
                self._identity = _identity(path)
                self._open(group)
        except OSError as error:  # Disconnected is one too
            self.socket.close()
            if isinstance(error, Disconnected):
                raise
            raise Disconnected(f"cannot listen on {path}: {(error.strerror or str(error)).lower()}") from None

    def close(self) -> None:
        """Stop listening; the file goes too, unless somebody else has put another one there."""
        self.socket.close()
        with contextlib.suppress(OSError), _alone_in(self.path.parent):
            if _identity(self.path) == self._identity:
                self.path.unlink()

    def _open(self, group: int | None) -> None:
        try:
            if group is not None:
                os.chown(self.path, -1, group)
            self.path.chmod(0o600 if group is None else 0o660)
            # Only now can anybody connect, whatever the permissions were.
            self.socket.listen(_BACKLOG)
        except OSError:
            self.path.unlink()
            raise

    def _take_place(self) -> None:
        with contextlib.suppress(FileExistsError):
            self._bind()
            return
        self._require_stale()
        self.path.unlink()
        self._bind()

    def _bind(self) -> None:
        try:
            self.socket.bind(os.fspath(self.path))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise FileExistsError from None
            raise

    def _require_stale(self) -> None:
        if not self.path.is_socket() or self.path.is_symlink():
            raise Disconnected(f"cannot listen on {self.path}: it exists and is not a socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            probe.setblocking(False)
            try:
                probe.connect(os.fspath(self.path))
            except ConnectionRefusedError:  # nobody has listened here since its server ended
                return
            except BlockingIOError:  # somebody does, and has no time
                pass
        raise Disconnected(f"cannot listen on {self.path}: a server is already there")


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other servers from looking for a place in `folder` at the same time: two may find the same one free."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Disconnected(f"the folder {folder} is locked by another process") from None
                time.sleep(0.02)
        yield
    finally:
        os.close(handle)


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
