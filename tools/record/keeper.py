"""`Keeper`: writes what is recorded from a thread of its own, so that no disk ever stops the listening."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from ess_bus.service.measures import Measure, counter, gauge
from tools.record.entry import Entry, Gap, RecordingError, Run
from tools.record.rotation import Rotation, finished_name, to_remove
from tools.record.writer import Writer

log = logging.getLogger(__name__)

# Each commit waits for the disk. What a crash costs is this time and that of one commit: less than a second.
COMMIT_EVERY_S: Final = 0.4
RETRY_AFTER_S: Final = 1.0
CLOSE_TIMEOUT_S: Final = 10.0
# What may wait for a disk that is full or slow: bytes of bodies, and about as much for each message as it takes here.
MAX_WAITING: Final = 64 << 20
_OVERHEAD: Final = 500


@dataclass(slots=True)
class _Loss:
    """What found no room, until that can be written down."""

    start_us: int
    end_us: int
    count: int

    def as_gap(self, reason: str) -> Gap:
        """Return what can be written down now."""
        return Gap(self.start_us, self.end_us, self.count, reason)


class Keeper:
    """Takes messages at any time and commits them within half a second, in files that rotate.

    When the file cannot be written, that is said once, messages wait up to a bound, and it is tried again each second.
    What does not fit is lost, counted, and written down as a `Gap` when there is room again.

    Args:
        path: the current file; `rotation` says when it is finished and gets another name.
        run: what is recorded.
        packed: whether bodies are packed.
        limit: how many bytes may wait.

    Raises:
        RecordingError, OSError, sqlite3.Error: the file cannot be opened now.
    """

    def __init__(
        self, path: Path, run: Run, rotation: Rotation, *, packed: bool = True, limit: int = MAX_WAITING
    ) -> None:
        self.path = path
        self.written = 0
        self.lost = 0
        self._run, self._rotation, self._packed, self._limit = run, rotation, packed, limit
        self._waiting: deque[Entry] = deque()
        self._gaps: deque[Gap] = deque()
        self._size = 0
        self._loss: _Loss | None = None
        self._failure: str | None = None
        self._written_s = time.monotonic()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._writer: Writer | None = self._open()
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_working(self) -> bool:
        """Whether what is put is still written; a full disk is work, a mistake of this program is not."""
        return self._thread.is_alive()

    def put(self, entry: Entry) -> None:
        """Record a message; never waits for the disk."""
        size = _OVERHEAD + len(entry.message.body or b"")
        with self._lock:
            # What came first is kept: then there is one gap, and not many.
            if self._size + size > self._limit or (self._loss is not None and self._size):
                self._lose(entry.at_us)
                return
            self._waiting.append(entry)
            self._size += size

    def note(self, gap: Gap) -> None:
        """Record that something was missed."""
        log.warning("%s", gap)
        with self._lock:
            self._gaps.append(gap)

    def measures(self) -> Iterator[Measure]:
        """Yield what can be counted at this moment."""
        with self._lock:
            waiting, size = len(self._waiting), self._size
        yield gauge("ess_record_working", "1 while the file can be written", float(self._failure is None))
        yield counter("ess_record_written", "Messages that were written", self.written)
        yield counter("ess_record_lost", "Messages that found no room because the file was not written", self.lost)
        yield gauge("ess_record_waiting", "Messages that wait to be written", waiting)
        yield gauge("ess_record_waiting_bytes", "Memory that they take", size)
        text = "Seconds since all that waited was last written, or there was nothing to write"
        yield gauge("ess_record_write_age_seconds", text, time.monotonic() - self._written_s)

    def close(self) -> None:
        """Write what waits, and close; what cannot be written now is lost and counted."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT_S)
        if self._waiting:
            self.lost += len(self._waiting)
            log.error("%s: %s; %d messages are lost", self.path, self._failure or "the disk hangs", len(self._waiting))

    def _lose(self, at_us: int) -> None:
        if self._loss is None:
            log.error("%s: %s; messages are being lost", self.path, self._failure or "the disk is too slow")
            self._loss = _Loss(at_us, at_us, 0)
        self._loss.count += 1
        self._loss.end_us = at_us
        self.lost += 1

    # -- the thread ----------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while not self._closing.wait(COMMIT_EVERY_S if self._failure is None else RETRY_AFTER_S):
            self._step()
        self._step()
        if self._writer is not None:
            self._writer.close()

    def _step(self) -> None:
        """Write what waits; what fails is tried again later, for it may be a disk that is full."""
        try:
            self._write()
        except (OSError, sqlite3.Error, RecordingError) as error:
            self._fail(error)

    def _write(self) -> None:
        if self._writer is not None and not self._writer.is_in_place:
            log.warning("%s: somebody has taken the file away; a new one is begun", self.path)
            self._writer.close()
            self._writer = None
        if self._writer is None:
            self._writer = self._open()
        with self._lock:
            entries, gaps = list(self._waiting), list(self._gaps)
            lost = None if self._loss is None else self._loss.as_gap(self._failure or "the disk was too slow")
        if entries or gaps or lost:
            self._writer.append(entries, [*gaps, *([lost] if lost else [])])
            self._forget(entries, len(gaps), lost)
        if self._failure is not None:
            log.warning("%s: can be written again; %d messages were lost so far", self.path, self.lost)
            self._failure = None
        self._written_s = time.monotonic()
        self._rotate(self._writer)

    def _forget(self, entries: list[Entry], gaps: int, lost: Gap | None) -> None:
        """Take away what is written; what came meanwhile stays."""
        with self._lock:
            for entry in entries:
                self._waiting.popleft()
                self._size -= _OVERHEAD + len(entry.message.body or b"")
            for _ in range(gaps):
                self._gaps.popleft()
            if self._loss is not None and lost is not None:
                self._loss.count -= lost.lost or 0
                self._loss.start_us = lost.end_us
                # What is left was lost while the rest was being written.
                self._loss = self._loss if self._loss.count else None
        self.written += len(entries)

    def _fail(self, error: Exception) -> None:
        reason = error.reason if isinstance(error, RecordingError) else str(error)
        if self._failure != reason:
            log.error("%s: cannot be written: %s; trying again each second", self.path, reason)
        self._failure = reason
        if self._writer is not None:
            # Half a transaction may be open: only closing it surely ends that.
            self._writer.close()
            self._writer = None

    def _open(self) -> Writer:
        return Writer(self.path, self._run, packed=self._packed)

    def _rotate(self, writer: Writer) -> None:
        now_us = time.time_ns() // 1000
        if not self._rotation.is_due(writer.size, now_us - writer.created_us):
            return
        writer.close()
        self._writer = None
        finished = self.path.with_name(finished_name(self.path.name, now_us))
        self.path.rename(finished)
        log.info("%s is finished", finished)
        for name in to_remove(self.path.name, [one.name for one in self.path.parent.iterdir()], self._rotation.keep):
            self.path.with_name(name).unlink()
            log.info("%s is removed", self.path.with_name(name))
