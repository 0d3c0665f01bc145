"""Writing a converted file: all of it or nothing."""

from __future__ import annotations

from pathlib import Path

from ess_bus.errors import EssError
from ess_bus.replacing import is_device, replacing


def write_file(path: Path, text: str, *, force: bool = False) -> None:
    """Write `text` to `path`; see `replacing`.

    Raises:
        EssError: there is such a file already, unless `force` is given, or it cannot be written.
    """
    try:
        if path.exists() and not force and not is_device(path):
            raise EssError(f"{path}: exists already; --force replaces it")
        with replacing(path) as file:
            file.write(text.encode())
    except OSError as error:
        raise EssError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
