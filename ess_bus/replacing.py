"""Files that are written whole or not at all: whoever reads one meanwhile sees what was there before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


def is_device(path: Path) -> bool:
    """Tell whether this is something into which is written, and which no file may replace: a device, a pipe."""
    return path.exists() and not (path.is_file() or path.is_dir())


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` when the block has ended well; it is as readable as the umask allows.

    A device or a pipe is written to: to put a file in the place of /dev/null would take that from the whole machine.
    What a symbolic link names is replaced, not the link.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    if is_device(path):
        with path.open("wb") as output:
            yield output
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as output:
            yield output
            output.flush()
            os.fsync(output.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
