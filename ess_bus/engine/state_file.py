"""`StateFile`: the settings of an engine in an SQLite file, written by a thread of its own.

A disk that is slow, full or broken costs settings, never the engine: what cannot be written waits, one value for each
setting, and is tried again.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from ess_bus.endpoint import resolve, runtime_folder

log = logging.getLogger(__name__)

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS settings (place TEXT PRIMARY KEY, value TEXT NOT NULL, set_s REAL NOT NULL)"
)
_KEEP: Final = (
    "INSERT INTO settings VALUES (?, ?, ?) "
    "ON CONFLICT (place) DO UPDATE SET value = excluded.value, set_s = excluded.set_s"
)
# After a failure it is tried again this much later, or with the next setting.
RETRY_S: Final = 5.0
_BUSY_S: Final = 1.0
_CLOSE_S: Final = 2.0
# A setting is a number or a word.
_MAX_VALUE: Final = 64 << 10
_MAX_ROWS: Final = 100_000


def default_file(name: str, bus: str | None) -> Path:
    """Return where the settings of an engine are kept: below the user's folder of states, by bus and name.

    Two sites on one machine have two buses, and engines of the same name on them.
    """
    endpoint = Path(resolve(bus).removeprefix("ipc://"))
    is_named = endpoint.parent == runtime_folder() and endpoint.suffix == ".sock"
    site = endpoint.stem if is_named else quote(resolve(bus), safe="")
    return _state_folder() / "ess-bus" / site / f"{name}.sqlite"


def _state_folder() -> Path:
    given = os.environ.get("XDG_STATE_HOME")
    try:
        return Path(given) if given else Path.home() / ".local" / "state"
    except RuntimeError:  # a user whom the machine does not know has no home
        return runtime_folder()


class StateFile:
    """Keeps settings in a file, which is made with the first one.

    Args:
        path: the file; WAL files lie beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: dict[str, Any] = {}
        self._trouble: str | None = None
        self._closing = False
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def read(self) -> dict[str, Any]:
        """Return what is kept; a file that is damaged is put aside, and said to be."""
        if not self.path.exists():
            return {}
        try:
            with closing(self._open()) as connection:
                found = connection.execute("SELECT place, value FROM settings LIMIT ?", (_MAX_ROWS,)).fetchall()
                return {place: value for place, text in found if (value := _value(place, text)) is not None}
        except sqlite3.OperationalError as error:
            log.error("%s: settings are not restored: %s", self.path, error)
        except (sqlite3.DatabaseError, OSError) as error:
            self._put_aside(error)
        return {}

    def forget(self) -> int:
        """Delete what is kept; return how many settings that were."""
        count = len(self.read())
        for path in (self.path, *self._beside(self.path)):
            path.unlink(missing_ok=True)
        return count

    def write(self, rows: Mapping[str, Any]) -> None:
        """Keep these values soon; ``None`` forgets one. Never waits for the disk."""
        with self._change:
            self._pending.update(rows)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="settings", daemon=True)
                self._thread.start()
            self._change.notify()

    def trouble(self) -> str | None:
        """Return why the last writing has failed, ``None`` if all is well."""
        with self._change:
            return self._trouble

    def close(self) -> None:
        """Write what waits; a disk that hangs is waited for only so long."""
        with self._change:
            self._closing = True
            self._change.notify()
        if self._thread is not None:
            self._thread.join(_CLOSE_S)
            if self._thread.is_alive():
                log.error("%s: the disk does not answer; the last settings are lost", self.path)

    # -- the thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._pending and not self._closing:
                    self._change.wait()
                rows, self._pending = self._pending, {}
            failed = self._attempt(rows) if rows else None
            with self._change:
                self._note(failed)
                if failed is not None:
                    self._pending = {**rows, **self._pending}
                if self._closing and (failed is not None or not self._pending):
                    return
                if failed is not None:
                    self._change.wait(RETRY_S)

    def _attempt(self, rows: Mapping[str, Any]) -> str | None:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with closing(self._open()) as connection, connection:
                connection.execute(_SCHEMA)
                for place, value in rows.items():
                    if value is None:
                        connection.execute("DELETE FROM settings WHERE place = ?", (place,))
                    else:
                        connection.execute(_KEEP, (place, json.dumps(value), time.time()))
        except sqlite3.OperationalError as error:
            return str(error)
        except sqlite3.DatabaseError as error:
            self._put_aside(error)
            return str(error)
        except OSError as error:
            return f"{(error.strerror or str(error)).lower()}"
        return None

    def _note(self, failed: str | None) -> None:
        if failed != self._trouble:
            if failed is None:
                log.info("%s: settings are kept again", self.path)
            else:
                log.error("%s: settings are not kept: %s", self.path, failed)
        self._trouble = failed

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY_S)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        except BaseException:
            connection.close()
            raise
        return connection

    def _put_aside(self, error: Exception) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        try:
            self.path.replace(aside)
            for path in self._beside(self.path):
                path.unlink(missing_ok=True)
        except OSError as failure:
            log.error("%s is damaged (%s) and cannot be put aside: %s", self.path, error, failure)
            return
        log.error("%s is damaged (%s); it is %s now, and settings begin anew", self.path, error, aside.name)

    @staticmethod
    def _beside(path: Path) -> list[Path]:
        return [path.with_name(f"{path.name}{suffix}") for suffix in ("-wal", "-shm")]


def _nothing(text: str) -> None:
    raise ValueError(f"{text} is no value")


def _value(place: Any, text: Any) -> Any:
    """Return a value, ``None`` if it is none that this wrote."""
    try:
        value = json.loads(text, parse_constant=_nothing) if isinstance(text, str) and len(text) <= _MAX_VALUE else None
    except (ValueError, RecursionError):
        value = None
    if isinstance(place, str) and isinstance(value, bool | int | float | str):
        return value
    log.warning("%s is not restored: what was kept is not a value", str(place)[:80])
    return None
