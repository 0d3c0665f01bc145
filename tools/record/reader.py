"""`Recording`: reads a recording, also one that is being written. Nothing in the file is trusted."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import orjson

from ess_bus.message import METHODS, Message, Status
from ess_bus.uri import check
from tools.record import schema
from tools.record.entry import Entry, Gap, RecordingError, Run
from tools.record.packing import MAX_BODY, unpack
from tools.record.selection import Selection

# Rows that are read at once: a reader that takes its time must not keep the recorder's log from being folded in.
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """What messages of one sender to one URI share, and how many there are.

    Attributes:
        message: one of them, without body, replyto and token.
        count: how many.
        size: bytes of all their bodies, unpacked.
        start_us, end_us: when the first and the last was received.
    """

    message: Message
    count: int
    size: int
    start_us: int
    end_us: int


class Recording:
    """A recording that is open for reading.

    Every method raises `RecordingError` for what is damaged.

    Raises:
        RecordingError: the file cannot be read, or is no recording.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._sound():
            self._database = self._open()
        try:
            with self._sound():
                self._check()
                self._topics = dict(self._read_topics())
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def span(self) -> tuple[int, int] | None:
        """Return when the first and the last message were received; ``None`` if there are none."""
        with self._sound():
            found = self._database.execute("SELECT min(at), max(at) FROM message").fetchone()
            return None if found[0] is None else (int(found[0]), int(found[1]))

    def runs(self) -> list[Run]:
        """Return the starts of the recorder, in order."""
        with self._sound():
            rows = self._database.execute("SELECT started, source, uris FROM run ORDER BY id").fetchall()
            return [Run(started, source, tuple(map(str, orjson.loads(uris)))) for started, source, uris in rows]

    def gaps(self) -> list[Gap]:
        """Return what was missed, in order."""
        with self._sound():
            return [Gap(*row) for row in self._database.execute("SELECT started, ended, lost, reason FROM gap")]

    def topics(self) -> list[Topic]:
        """Return what was received from whom, by URI."""
        with self._sound():
            rows = self._database.execute(
                "SELECT topic, count(*), sum(coalesce(size, length(body), 0)), min(at), max(at) FROM message"
                " GROUP BY topic"
            ).fetchall()
            self._learn({row[0] for row in rows})
            found = [Topic(self._topics[topic][0], *numbers) for topic, *numbers in rows]
        return sorted(found, key=lambda one: (one.message.uri, one.message.method, one.message.process_name))

    def entries(self, selection: Selection, also: Callable[[Message], bool] = lambda _: False) -> Iterator[Entry]:
        """Yield what is selected, in the order in which it was received.

        Args:
            selection: what is wanted.
            also: tells of a topic that it is wanted too, within the same time.
        """
        span = self.span()
        if span is None:
            return
        first, last = span
        since = first if selection.since is None else selection.since.after(first)
        until = last + 1 if selection.until is None else selection.until.after(first)
        wanted: set[int] = set()
        known = position = 0
        while page := self._page(position):
            position = page[-1][0]
            self._learn({row[2] for row in page})
            if len(self._topics) > known:
                known = len(self._topics)
                wanted = {one for one, (topic, _) in self._topics.items() if selection.takes(topic) or also(topic)}
            for row in page:
                if row[2] in wanted and since <= row[3] < until:
                    yield self._entry(row)

    def _page(self, position: int) -> list[Any]:
        with self._sound():
            return self._database.execute(
                "SELECT id, run, topic, at, elapsed, replyto, token, size, body FROM message WHERE id > ? ORDER BY id"
                " LIMIT ?",
                (position, _PAGE),
            ).fetchall()

    def _learn(self, topics: set[int]) -> None:
        """Know these topics: a recording that is being written gets new ones while it is read."""
        with self._sound():
            if not topics <= self._topics.keys():
                self._topics = dict(self._read_topics())
            if not topics <= self._topics.keys():
                raise ValueError("a message of a topic that is not there")

    def _entry(self, row: Any) -> Entry:
        number, run, topic, at, elapsed, replyto, token, size, packed = row
        with self._sound(f"message {number}"):
            head, sample = self._topics[topic]
            body = unpack(size, packed, sample)
            if head.uri == schema.NONE:
                return Entry(at, elapsed, run, head._replace(uri=check(replyto or ""), body=body, token=token))
            return Entry(at, elapsed, run, head._replace(body=body, replyto=replyto, token=token))

    def _read_topics(self) -> Iterator[tuple[int, tuple[Message, bytes | None]]]:
        rows = self._database.execute("SELECT id, method, uri, process, username, status, sample FROM topic")
        for number, method, uri, process, username, status, sample in rows:
            if method not in METHODS:
                raise ValueError(f"unknown method {method[:20]!r}")
            answer = None if status == schema.NONE else Status(status)
            if answer is None or uri != schema.NONE:
                check(uri)
            yield number, (Message(method, uri, None, None, process, username or None, answer), sample)

    # -- opening -------------------------------------------------------------------------------------------------

    def _open(self) -> sqlite3.Connection:
        if self.path.is_fifo():
            raise RecordingError(self.path, "a pipe; expected a file of fims_record")  # it would wait for a writer
        with self.path.open("rb"):
            pass  # says what is wrong in better words than SQLite
        name = f"file:{quote(str(self.path.absolute()))}?mode=ro"
        database = sqlite3.connect(name, uri=True, isolation_level=None)
        try:
            database.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except sqlite3.OperationalError:
            # On a disk that cannot be written, SQLite has no place for its shared memory; then nobody else writes.
            database.close()
            database = sqlite3.connect(f"{name}&immutable=1", uri=True, isolation_level=None)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * MAX_BODY)
        for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
            database.execute(f"PRAGMA {pragma}")
        return database

    def _check(self) -> None:
        database = self._database
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if application != schema.APPLICATION:
            raise RecordingError(self.path, "not a recording; expected a file of fims_record")
        if version != schema.VERSION:
            raise RecordingError(self.path, f"a recording of version {version}, expected {schema.VERSION}")
        # Exactly ours: views and triggers would be somebody's program.
        found = dict(database.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
        if found != schema.TABLES:
            raise RecordingError(self.path, "a recording with tables that are not those of fims_record")

    @contextmanager
    def _sound(self, where: str = "") -> Iterator[None]:
        try:
            yield
        except RecordingError:
            raise
        except OSError as error:
            raise RecordingError(self.path, (error.strerror or str(error)).lower()) from None
        except (sqlite3.Error, ValueError, TypeError) as error:
            at = f"{where}: " if where else ""
            raise RecordingError(self.path, f"damaged, or not a recording: {at}{error}") from None
