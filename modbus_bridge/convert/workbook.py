"""The sheets of an .xlsx or .csv file as plain rows of cells."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ess_bus.errors import ConfigurationError, EssError, Problem
from modbus_bridge.convert.extent import most_cells
from modbus_bridge.convert.formulas import broken_formulas

# The largest point lists have some thousand rows; what is larger than this is no point list, and must not take all
# memory.
_MAX_BYTES: Final = 64 << 20
_MAX_CELLS: Final = 5_000_000
_DELIMITERS: Final = ",;\t"

# A text without spaces around it, a number, a truth value, a date or time, or None for an empty cell.
Cell = Any
# Row and column, counted from 0.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes:
        merged: for every cell of a merged range but its first one, the first one.
        broken: what is wrong with the formulas that have no value.
    """

    name: str
    rows: list[list[Cell]]
    merged: Mapping[Place, Place] = field(default_factory=dict)
    broken: Mapping[Place, str] = field(default_factory=dict)

    def cell(self, row: int, column: int) -> Cell:
        """Return what is written in a cell."""
        cells = self.rows[row]
        return cells[column] if column < len(cells) else None

    def named(self, row: int, column: int) -> str:
        """Return what people call a cell: ``points!C7``."""
        return f"{self.name}!{column_name(column)}{row + 1}"


def column_name(column: int) -> str:
    """Return the letters of a column: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_workbook(path: Path) -> list[Sheet]:
    """Return the sheets of a file; one that is called .csv has one, named as the file.

    Raises:
        ConfigurationError: the file cannot be read.
        EssError: what reads spreadsheets is not installed.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unreadable(path, (error.strerror or str(error)).lower()) from None
    if size > _MAX_BYTES:
        raise _unreadable(path, f"{size >> 20} MiB are over the limit of {_MAX_BYTES >> 20}")
    if path.suffix.lower() == ".csv":
        return [_csv_sheet(path)]
    if path.suffix.lower() not in (".xlsx", ".xlsm"):
        raise _unreadable(path, "expected a file called .xlsx, .xlsm or .csv")
    return _xlsx_sheets(path)


def _xlsx_sheets(path: Path) -> list[Sheet]:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # an extra: only this command needs it
    except ImportError:
        raise EssError("reading .xlsx needs python-calamine: pip install 'ess-bus[xlsx]'") from None
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(part.file_size for part in archive.infolist()) > 4 * _MAX_BYTES:
                raise _unreadable(path, f"unpacked it is over {4 * _MAX_BYTES >> 20} MiB")
            # Before anything makes room for them.
            _limit(path, most_cells(archive))
            broken = broken_formulas(archive)
        sheets: list[Sheet] = []
        with CalamineWorkbook.from_path(str(path)) as book:
            cells = 0
            for name in book.sheet_names:
                sheet = book.get_sheet_by_name(name)
                # The last place, counted from 0; total_height and total_width are that too.
                row, column = sheet.end or (-1, -1)
                cells += (row + 1) * (column + 1)
                _limit(path, cells)
                sheets.append(_xlsx_sheet(sheet, broken.get(name, {})))
        return sheets
    except (CalamineError, zipfile.BadZipFile, KeyError, OSError, NotImplementedError) as error:
        raise _unreadable(path, f"not an .xlsx file: {str(error) or type(error).__name__}") from None


def _limit(path: Path, cells: int) -> None:
    if cells > _MAX_CELLS:
        raise _unreadable(path, f"it has {cells} cells, over the limit of {_MAX_CELLS}; is there one far outside?")


def _xlsx_sheet(sheet: Any, broken: Mapping[Place, str]) -> Sheet:
    rows = [[_cell(value) for value in row] for row in sheet.to_python(skip_empty_area=False)]
    merged = {
        (row, column): (top, left)
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
        # A range may span whole columns; only what has rows matters.
        for row in range(top, min(bottom + 1, len(rows)))
        for column in range(left, min(right + 1, len(rows[row])))
        if (row, column) != (top, left)
    }
    return Sheet(sheet.name, rows, merged, broken)


def _csv_sheet(path: Path) -> Sheet:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"not UTF-8 text: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise _unreadable(path, (error.strerror or str(error)).lower()) from None
    # The line with the most columns is one of the table; what is above it may be a title.
    lines = text.splitlines()[:50]
    delimiter = max(_DELIMITERS, key=lambda one: max((line.count(one) for line in lines), default=0))
    rows: list[list[Cell]] = []
    cells = 0
    try:
        for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True):
            cells += len(row)
            _limit(path, cells)
            rows.append([_cell(value) for value in row])
    except csv.Error as error:
        raise _unreadable(path, f"not CSV: {error}") from None
    return Sheet(path.stem, rows)


def _cell(value: Any) -> Cell:
    """Return a cell as people see it: no spaces around texts, no ``.0`` behind whole numbers."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _unreadable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(path, [Problem("", reason)])
