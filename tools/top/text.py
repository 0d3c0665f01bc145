"""The cells of a row as text: the same in the live table and in that of ``--once``."""

from __future__ import annotations

from typing import Final

from tools.fims.statistics import table
from tools.top.rows import Row

HEADING: Final = ("URI", "VALUE", "RATE/S", "AGE S")
_RATE, _AGE = 8, 7
_GAP: Final = 2


def once(rows: list[Row]) -> list[str]:
    """Return the lines of a table for scripts: URI, rate, age and, last because it may hold spaces, the value."""
    cells = [(row.uri, f"{row.rate:.1f}", f"{row.age_s:.1f}", "") for row in rows]
    heads = table([("URI", "RATE/S", "AGE S", ""), *cells])
    values = ["VALUE", *(row.value for row in rows)]
    return [f"{head}{value}".rstrip() for head, value in zip(heads, values, strict=True)]


def name_of(row: Row) -> str:
    """Return the first cell: indented, with a mark where something is below."""
    mark = "  " if row.is_open is None else "▾ " if row.is_open else "▸ "
    return f"{'  ' * row.depth}{mark}{_harmless(row.name)}"


def line(row: Row, width: int) -> str:
    """Return a row of the live table, exactly `width` wide."""
    return _fit((name_of(row), row.value, f"{row.rate:.1f}", f"{row.age_s:.1f}"), width)


def heading(width: int) -> str:
    """Return the row above them."""
    return _fit(HEADING, width)


def _fit(cells: tuple[str, ...], width: int) -> str:
    room = max(20, width - _RATE - _AGE)
    left = room * 11 // 20
    name, value, rate, age = cells
    text = f"{_cut(name, left - _GAP):{left}}{_cut(value, room - left - 1):{room - left}}{rate:>{_RATE}}{age:>{_AGE}}"
    return text[:width].ljust(width)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: max(0, most - 1)]}…"


def _harmless(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
