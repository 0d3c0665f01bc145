"""`LookupTable`: a table of numbers over two quantities, read by steps (engine.md 3.6, CheckTableVar).

::

    Charge power,,,            what stands before the header is a title
    SoC/T,0,50,100             the keys of the columns; the names say what is over what
    -10,0,0,0                  a row: its key, then its values
    20,0.8,0.8,0.5
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from ess_bus.engine.numbers import is_number, number

# Tables of batteries have some hundred cells.
MAX_CELLS: Final = 100_000


@dataclass(frozen=True, slots=True)
class LookupTable:
    """Keys rise in both directions; `values` has a row for each key of the rows."""

    column_keys: tuple[float, ...]
    row_keys: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]

    def at(self, column: float, row: float) -> float:
        """Return the value at the nearest keys that are not above; 0 below the first or above the last key."""
        across, down = _step(self.column_keys, column), _step(self.row_keys, row)
        return 0.0 if across is None or down is None else self.values[down][across]


def _step(keys: Sequence[float], value: float) -> int | None:
    if not keys[0] <= value <= keys[-1]:
        return None
    return bisect_right(keys, value) - 1


def read_csv(text: str) -> list[list[Any]]:
    """Return the cells of a table's text: the header with the names in its corner, then rows of numbers.

    Raises:
        ValueError: it is no such table; the text says in which line, and what was expected.
    """
    cells: list[list[Any]] = []
    try:
        for row in csv.reader(text.removeprefix("\N{BYTE ORDER MARK}").splitlines()):
            filled = _without_end(row)
            if not cells:
                # Everything up to the header is a title.
                keys = _numbers(filled[1:])
                if keys:
                    cells.append([filled[0].strip(), *keys])
            elif filled:
                numbers = _numbers(filled)
                if numbers is None:
                    raise ValueError(f"row {filled[0][:40]!r}: expected numbers")
                cells.append(numbers)
    except csv.Error as error:
        raise ValueError(f"not a table of comma-separated values: {error}") from None
    if not cells:
        raise ValueError("no header; expected a line such as SoC/T,0,50,100")
    from_cells(cells)
    return cells


def from_cells(cells: Any) -> LookupTable:
    """Return the table of the cells that `read_csv` gives, which may have come over the bus since.

    Raises:
        ValueError: they are none; the text says where, and what was expected.
    """
    if not isinstance(cells, list) or len(cells) < 2 or not all(isinstance(row, list) and row for row in cells):
        raise ValueError("expected a header and rows, each a list")
    if sum(map(len, cells)) > MAX_CELLS:
        raise ValueError(f"more than {MAX_CELLS} cells")
    width = len(cells[0])
    for index, row in enumerate(cells):
        if len(row) != width or width < 2:
            raise ValueError(f"row {index}: expected {max(width, 2)} cells as in the header, got {len(row)}")
        wrong = [cell for cell in row[index == 0 :] if not is_number(cell) or not math.isfinite(cell)]
        if wrong:
            raise ValueError(f"row {index}: expected numbers, got {str(wrong[0])[:40]!r}")
    columns, rows = tuple(cells[0][1:]), tuple(row[0] for row in cells[1:])
    _require_rising(columns, "keys of the columns")
    _require_rising(rows, "keys of the rows")
    return LookupTable(columns, rows, tuple(tuple(row[1:]) for row in cells[1:]))


def _require_rising(keys: tuple[float, ...], what: str) -> None:
    for before, after in pairwise(keys):
        if after <= before:
            raise ValueError(f"{what}: expected rising numbers, got {after:g} after {before:g}")


def _without_end(row: list[str]) -> list[str]:
    """Return a row without the empty cells that spreadsheets leave at its end."""
    while row and not row[-1].strip():
        row = row[:-1]
    return row


def _numbers(cells: list[str]) -> list[float] | None:
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        return None
    # As a variable holds them; what is not finite is refused with its row.
    return [one if (plain := number(one)) is None else plain for one in numbers]
