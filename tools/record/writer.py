"""`Writer`: appends to one recording."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

import orjson

from ess_bus.message import Message
from tools.record import schema
from tools.record.entry import Entry, Gap, RecordingError, Run
from tools.record.packing import is_sample, pack

# What is remembered of topics must not grow for ever.
_MOST_TOPICS: Final = 10_000
_MAGIC: Final = b"SQLite format 3\0"
_Topic = tuple[int, bytes | None]


class Writer:
    """A recording that is open for appending; made, readable by its owner only, if there is none at `path`.

    Everything given to one `append` is there after it, or nothing is. After a failed one, close it.

    Args:
        path: the file.
        run: what is being recorded now.
        packed: whether bodies are packed.

    Raises:
        RecordingError: there is something else at `path`.
        OSError, sqlite3.Error: it cannot be opened or written.
    """

    def __init__(self, path: Path, run: Run, *, packed: bool = True) -> None:
        self.path = path
        self._packed = packed
        self._topics: dict[tuple[str, ...], _Topic] = {}
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._inode = path.stat().st_ino
        _require_ours(path)
        # Autocommit: transactions begin where it is said. The thread that writes need not be the one that opens.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
            self.created_us = self._started_us()
            self._run = self._begin_run(run)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def is_in_place(self) -> bool:
        """Whether the file is still where it was opened."""
        try:
            return self.path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    @property
    def size(self) -> int:
        """Bytes of the file, with what SQLite has not moved into it yet."""
        pages, size = (self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
        return int(pages * size)

    def append(self, entries: Iterable[Entry], gaps: Iterable[Gap] = ()) -> None:
        """Add messages and gaps, and have them on the disk.

        Raises:
            sqlite3.Error: that failed; nothing was added.
        """
        database = self._database
        database.execute("BEGIN IMMEDIATE")
        database.executemany(
            "INSERT INTO message (run, topic, at, elapsed, replyto, token, size, body) VALUES (?,?,?,?,?,?,?,?)",
            map(self._row, entries),
        )
        database.executemany(
            "INSERT INTO gap (started, ended, lost, reason) VALUES (?,?,?,?)",
            ((gap.start_us, gap.end_us, gap.lost, gap.reason) for gap in gaps),
        )
        database.execute("COMMIT")

    def close(self) -> None:
        """Close it; SQLite's own files beside it go, and come back with nobody who only reads, if nobody reads now."""
        with contextlib.suppress(sqlite3.Error):
            self._database.execute("PRAGMA journal_mode=DELETE")
        self._database.close()

    def _row(self, entry: Entry) -> tuple[object, ...]:
        message = entry.message
        topic, sample = self._topic(message)
        size, body = pack(message.body, sample) if self._packed else (None, message.body)
        replyto = message.uri if message.is_reply else message.replyto
        return self._run, topic, entry.at_us, entry.elapsed_us, replyto, message.token, size, body

    def _topic(self, message: Message) -> _Topic:
        status = schema.NONE if message.status is None else str(message.status)
        uri = schema.NONE if message.is_reply else message.uri
        key = (uri, message.method, message.process_name, message.username or schema.NONE, status)
        found = self._topics.get(key)
        if found is None:
            if len(self._topics) >= _MOST_TOPICS:
                self._topics.clear()
            found = self._topics[key] = self._known(key) or self._new(key, message.body)
        return found

    def _known(self, key: tuple[str, ...]) -> _Topic | None:
        found = self._database.execute(
            "SELECT id, sample FROM topic WHERE uri=? AND method=? AND process=? AND username=? AND status=?", key
        ).fetchone()
        return found and (int(found[0]), found[1])

    def _new(self, key: tuple[str, ...], body: bytes | None) -> _Topic:
        sample = body if self._packed and is_sample(body) else None
        done = self._database.execute(
            "INSERT INTO topic (uri, method, process, username, status, sample) VALUES (?,?,?,?,?,?)", (*key, sample)
        )
        return int(done.lastrowid or 0), sample

    def _prepare(self) -> None:
        database = self._database
        try:
            (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            (application,) = database.execute("PRAGMA application_id").fetchone()
            (version,) = database.execute("PRAGMA user_version").fetchone()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise RecordingError(self.path, f"not a recording: {error}") from None
        if (application, version) not in ((0, 0), (schema.APPLICATION, schema.VERSION)) or bool(tables) != bool(
            version
        ):
            raise RecordingError(self.path, "there is a file that is not a recording of this version; choose another")
        database.execute("PRAGMA journal_mode=WAL")
        # A lost power supply, too, costs no more than the last commit.
        database.execute("PRAGMA synchronous=FULL")
        if not tables:
            self._create()

    def _create(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        for statement in schema.TABLES.values():
            self._database.execute(statement)
        self._database.execute(f"PRAGMA application_id={schema.APPLICATION}")
        self._database.execute(f"PRAGMA user_version={schema.VERSION}")
        self._database.execute("COMMIT")

    def _started_us(self) -> int:
        # Not the start of the recorder: that may lie many files back.
        (first,) = self._database.execute("SELECT at FROM message ORDER BY id LIMIT 1").fetchone() or (None,)
        return time.time_ns() // 1000 if first is None else int(first)

    def _begin_run(self, run: Run) -> int:
        row = (run.started_us, run.source, orjson.dumps(run.uris).decode())
        # It may be this run that goes on, after the file could not be written for a while.
        found = self._database.execute("SELECT id FROM run WHERE started=? AND source=? AND uris=?", row).fetchone()
        if found is not None:
            return int(found[0])
        return int(self._database.execute("INSERT INTO run (started, source, uris) VALUES (?,?,?)", row).lastrowid or 0)


def _require_ours(path: Path) -> None:
    """Refuse a file that is no database: a very short one, SQLite would take for a new one and overwrite."""
    with path.open("rb") as file:
        begin = file.read(len(_MAGIC))
    if begin not in (b"", _MAGIC):
        raise RecordingError(path, "there is a file that is not a recording; choose another name")
