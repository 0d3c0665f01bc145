"""One recorder a file: two would rotate it away from each other."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.record.entry import RecordingError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Be the only one to record into `path`.

    The lock is a file beside it: SQLite's own locks are lost when any descriptor of the file itself closes.

    Raises:
        RecordingError: somebody else records into it.
        OSError: the folder cannot be written.
    """
    beside = path.with_name(f"{path.name}-lock")
    while True:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise RecordingError(path, "another fims_record writes to it; choose another file") from None
        if _is_at(descriptor, beside):
            break
        os.close(descriptor)  # whoever had it removed it when it was done
    try:
        yield
    finally:
        beside.unlink(missing_ok=True)
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
