"""`AuditFile`: appends lines to a file from a thread of its own, so that no disk ever stops or slows the bus."""

from __future__ import annotations

import logging
import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final, NamedTuple

from ess_bus.errors import ConfigurationError, Problem

log = logging.getLogger(__name__)

# What may wait for a disk that is slow; beyond that, lines are lost and counted.
MAX_LINES: Final = 10_000
MAX_BYTES: Final = 16 << 20
CLOSE_TIMEOUT_S: Final = 2.0
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY | os.O_NONBLOCK


class _Entry(NamedTuple):
    line: bytes
    recorded: Future[bool] | None


class AuditFile:
    """An append-only file of lines, mode 0600 when it is made, that may be renamed away at any time (rotation).

    A line that cannot be written is lost and counted, not tried again for ever; the first line that is written after
    that is `gap_line(number lost)`. After a torn line comes a newline, so that all later lines are whole.

    Raises:
        ConfigurationError: the file cannot be opened for writing.
    """

    def __init__(self, path: Path, gap_line: Callable[[int], bytes]) -> None:
        self.path = path
        self._gap_line = gap_line
        self._changed = threading.Condition()
        self._waiting: deque[_Entry] = deque()
        self._waiting_bytes = 0
        self._busy_since: float | None = None
        self._reopening = False
        self._closing = False
        self._written = 0
        self._lost = 0
        self._unsaid = 0
        self._failure: str | None = None
        self._reopen_failed = False
        try:
            self._torn = _ends_torn(path)
            self._descriptor = os.open(path, _FLAGS, 0o600)
        except OSError as error:
            raise ConfigurationError(path, [Problem("", (error.strerror or str(error)).lower())]) from None
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._thread.start()

    def append(self, line: bytes) -> None:
        """Hand over a line (with its newline) to be written soon; never waits."""
        self._enqueue(_Entry(line, None))

    def record(self, line: bytes, timeout_s: float) -> bool:
        """Return whether the line is in the file now; while the disk hangs, the answer is no without waiting again."""
        recorded: Future[bool] = Future()
        busy_since = self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > timeout_s:
            return False
        try:
            return self._enqueue(_Entry(line, recorded)) and recorded.result(timeout_s)
        except TimeoutError:
            return False

    def reopen(self) -> None:
        """Open the path anew: somebody has renamed the file (SIGHUP)."""
        with self._changed:
            self._reopening = True
            self._changed.notify()

    def statistics(self) -> dict[str, Any]:
        """Return lines written, lost and waiting, and why the file cannot be written now or ``None``."""
        waiting = len(self._waiting)
        return {"written": self._written, "lost": self._lost, "waiting": waiting, "failing": self._failure}

    def close(self) -> None:
        """Write what waits and close; a disk that hangs is not waited for longer than two seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._thread.is_alive():
            log.error("%s: the disk hangs; %d lines of the audit trail are lost", self.path, len(self._waiting))

    def _enqueue(self, entry: _Entry) -> bool:
        with self._changed:
            if len(self._waiting) >= MAX_LINES or self._waiting_bytes + len(entry.line) > MAX_BYTES:
                self._lose(1, "the disk is too slow")
                return False
            self._waiting.append(entry)
            self._waiting_bytes += len(entry.line)
            self._changed.notify()
            return True

    # -- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                while not (self._waiting or self._reopening or self._closing):
                    self._changed.wait()
                batch, self._waiting, self._waiting_bytes = list(self._waiting), deque(), 0
                if not batch and self._closing:
                    os.close(self._descriptor)
                    return
            self._busy_since = time.monotonic()
            self._follow()
            self._write_batch(batch)
            self._busy_since = None

    def _follow(self) -> None:
        """Open the path again if it is not the file that is open any more."""
        if not self._reopening and self._is_in_place():
            return
        self._reopening = False
        try:
            torn = _ends_torn(self.path)
            descriptor = os.open(self.path, _FLAGS, 0o600)
        except OSError as error:
            # What is written goes on into the renamed file: better there than nowhere.
            if not self._reopen_failed:
                log.error("%s: cannot be opened again: %s; the old file is kept", self.path, error.strerror)
            self._reopen_failed = True
            return
        os.close(self._descriptor)
        self._descriptor, self._torn, self._reopen_failed = descriptor, torn, False

    def _is_in_place(self) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return False
        opened = os.fstat(self._descriptor)
        return (found.st_ino, found.st_dev) == (opened.st_ino, opened.st_dev)

    def _write_batch(self, batch: Sequence[_Entry]) -> None:
        if not batch:
            return
        done = self._write(b"".join(entry.line for entry in batch)) if self._say_gap() else 0
        for entry in batch:
            done -= len(entry.line)
            self._settle(entry, recorded=done >= 0)

    def _say_gap(self) -> bool:
        """Write how many lines are missing at this place, if any; return whether lines may follow."""
        unsaid = self._unsaid
        line = self._gap_line(unsaid) if unsaid else b""
        if self._write(line) < len(line):
            return False
        with self._changed:
            self._unsaid -= unsaid
        return True

    def _settle(self, entry: _Entry, *, recorded: bool) -> None:
        if recorded:
            self._written += 1
        else:
            with self._changed:
                self._lose(1, self._failure or "the disk is too slow")
        if entry.recorded is not None:
            entry.recorded.set_result(recorded)

    def _write(self, lines: bytes) -> int:
        """Return how many of these bytes are in the file; a failure is remembered, and said once."""
        if not lines:
            return 0
        start = b"\n" if self._torn else b""
        data, done = memoryview(start + lines), 0
        try:
            while done < len(data):
                done += os.write(self._descriptor, data[done:])
        except OSError as error:
            self._fail(error.strerror or str(error))
        else:
            self._recover()
        if done:
            self._torn = data[done - 1] != ord("\n")
        return max(0, done - len(start))

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            log.error("%s: the audit trail cannot be written: %s", self.path, reason.lower())
        self._failure = reason.lower()

    def _recover(self) -> None:
        if self._failure is not None:
            log.warning("%s: the audit trail is written again; %d lines were lost so far", self.path, self._lost)
        self._failure = None

    def _lose(self, number: int, reason: str) -> None:
        self._lost += number
        self._unsaid += number
        if self._failure is None:
            self._fail(reason)


def _ends_torn(path: Path) -> bool:
    """Tell whether a file that is there already ends in the middle of a line: its writer was killed."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) or not found.st_size:
            return False
        with path.open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False
    except PermissionError:  # it may be written and not read
        return False
