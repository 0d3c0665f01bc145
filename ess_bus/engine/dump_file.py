"""`DumpFile`: writes dumps, one at a time, in a thread: a slow disk must not hold up the engine."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

log = logging.getLogger(__name__)


class DumpFile:
    """Writes to one file. Whoever reads it finds the old content or the new one, also after a loss of power.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread: threading.Thread | None = None
        self._outcome: tuple[bool, str] | None = None

    def begin(self, content: bytes) -> None:
        """Write this.

        Raises:
            ValueError: the last one is still being written.
        """
        if self._thread is not None and self._thread.is_alive():
            raise ValueError("the last dump is still being written")
        self._outcome = None
        self._thread = threading.Thread(target=self._run, args=(content,), name="dump", daemon=True)
        self._thread.start()

    def outcome(self) -> tuple[bool, str] | None:
        """Return whether it was written, and where or why not; ``None`` while it is being written."""
        return self._outcome

    def _run(self, content: bytes) -> None:
        try:
            self._write(content)
        except OSError as error:
            self._outcome = (False, f"{self.path}: {(error.strerror or str(error)).lower()}")
        else:
            log.info("%s: the map, %d bytes", self.path, len(content))
            self._outcome = (True, str(self.path))

    def _write(self, content: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self.path.with_name(f".{self.path.name}.new")
        try:
            with new.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
