"""Tables of a recording: CSV or Parquet; long (a row for each value) or wide (a row for each message)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Protocol

from ess_bus.replacing import replacing
from tools.record.entry import RecordingError
from tools.record.reader import Recording
from tools.record.samples import Sample, samples
from tools.record.selection import Selection

if TYPE_CHECKING:
    import pyarrow

FORMATS: Final = ("csv", "parquet")
LONG: Final = ("time", "uri", "method", "process", "type", "number", "text")
# Beyond that, nobody reads a wide table, and its rows are nearly empty.
MOST_COLUMNS: Final = 5000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BATCH: Final = 10_000
_Row = tuple[Any, ...]
# Column names and what they hold: "time", "number" or "text".
_Columns = dict[str, str]


class Table(Protocol):
    """Takes rows."""

    def write(self, rows: Sequence[_Row]) -> None:
        """Add rows."""

    def close(self) -> None:
        """Write what is left."""


def export(recording: Recording, selection: Selection, kind: str, path: Path, *, wide: bool) -> int:
    """Write a table to `path`, whole or not at all; return its number of rows.

    Args:
        recording: where from.
        selection: which messages.
        kind: one of `FORMATS`.
        path: where to; what is there is replaced when the table is complete.
        wide: a column for each variable. Nothing is carried on: a cell is empty where its variable was not sent.

    Raises:
        RecordingError: the recording is damaged, or has too many variables for a wide table.
        OSError: the file cannot be written.
        ImportError: a library is missing.
    """
    columns = _wide_columns(recording, selection) if wide else _long_columns()
    rows = _wide_rows(recording, selection, columns) if wide else _long_rows(recording, selection)
    count = 0
    with replacing(path) as output:
        table: Table = _Csv(output, columns) if kind == "csv" else _parquet(output, columns)
        while batch := list(islice(rows, _BATCH)):
            table.write(batch)
            count += len(batch)
        table.close()
    return count


def _long_columns() -> _Columns:
    return {name: {"time": "time", "number": "number"}.get(name, "text") for name in LONG}


def _long_rows(recording: Recording, selection: Selection) -> Iterator[_Row]:
    for entry in recording.entries(selection):
        message = entry.message
        for one in samples(message):
            yield entry.at_us, one.variable, message.method, message.process_name, one.kind, one.number, one.text


def _wide_columns(recording: Recording, selection: Selection) -> _Columns:
    found: _Columns = {}
    for entry in recording.entries(selection):
        for one in samples(entry.message):
            # One text among numbers makes all of them texts; a null is empty in both.
            kind = "text" if one.text is not None else "number"
            if found.setdefault(one.variable, kind) != kind and one.kind != "null":
                found[one.variable] = "text"
        if len(found) > MOST_COLUMNS:
            raise RecordingError(
                recording.path, f"more than {MOST_COLUMNS} variables; choose fewer by -u, or leave out --wide"
            )
    return {"time": "time", **dict(sorted(found.items()))}


def _wide_rows(recording: Recording, selection: Selection, columns: _Columns) -> Iterator[_Row]:
    names = list(columns)[1:]
    for entry in recording.entries(selection):
        cells = {one.variable: _cell(one, columns[one.variable]) for one in samples(entry.message)}
        if cells:
            yield (entry.at_us, *map(cells.get, names))


def _cell(one: Sample, kind: str) -> float | str | None:
    if kind == "number":
        return one.number
    return one.text if one.number is None or one.text is not None else _plain(one.number)


def _plain(number: float) -> str:
    """Return a number as a person would write it: 50, and not 50.0."""
    return str(int(number)) if number.is_integer() else repr(number)


class _Csv:
    """Comma separated, UTF-8, a line of names first; times in UTC, ISO 8601."""

    def __init__(self, output: IO[bytes], columns: _Columns) -> None:
        self._numbers = [index for index, kind in enumerate(columns.values()) if kind == "number"]
        self._output = output
        self._write_rows([tuple(columns)])

    def write(self, rows: Sequence[_Row]) -> None:
        self._write_rows([self._shown(row) for row in rows])

    def close(self) -> None:
        self._output.flush()

    def _shown(self, row: _Row) -> _Row:
        cells = [_iso(row[0]), *row[1:]]
        for index in self._numbers:
            cells[index] = None if cells[index] is None else _plain(cells[index])
        return tuple(cells)

    def _write_rows(self, rows: Sequence[_Row]) -> None:
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._output.write(text.getvalue().encode(errors="replace"))


class _Parquet:
    """Times as timestamps in UTC, numbers as doubles, the rest as text; what is not valid is null."""

    def __init__(self, output: IO[bytes], columns: _Columns, arrow: Any, parquet: Any) -> None:
        kinds = {"time": arrow.timestamp("us", tz="UTC"), "number": arrow.float64(), "text": arrow.string()}
        self._arrow = arrow
        self._schema: pyarrow.Schema = arrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(output, self._schema, compression="zstd")

    def write(self, rows: Sequence[_Row]) -> None:
        arrow, schema = self._arrow, self._schema
        columns = [arrow.array(cells, kind) for cells, kind in zip(zip(*rows, strict=True), schema.types, strict=True)]
        self._writer.write_table(arrow.Table.from_arrays(columns, schema=schema))

    def close(self) -> None:
        self._writer.close()


def _parquet(output: IO[bytes], columns: _Columns) -> _Parquet:
    import pyarrow
    import pyarrow.parquet

    return _Parquet(output, columns, pyarrow, pyarrow.parquet)


def _iso(at_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=at_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")
