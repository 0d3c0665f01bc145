"""Writing a converted file: all of it or nothing."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from ess_bus.errors import EssError


def write_file(path: Path, text: str, *, force: bool = False) -> None:
    """Write `text` to `path`; whoever reads it meanwhile sees the old file or the new one.

    A device or a pipe is written to, and what a symbolic link names is replaced, not the link.

    Raises:
        EssError: there is such a file already, unless `force` is given, or it cannot be written.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # To put a file in the place of /dev/null would take that from the whole machine.
            path.write_text(text, encoding="utf-8")
        elif path.exists() and not force:
            raise EssError(f"{path}: exists already; --force replaces it")
        else:
            _replace(path.resolve(), text)
    except OSError as error:
        raise EssError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


def _replace(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes it private; a configuration is as readable as the umask allows.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
