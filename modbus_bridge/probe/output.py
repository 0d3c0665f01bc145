"""Where rows go: a table on a terminal, plain lines into a pipe, or JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click
import orjson

from modbus_bridge.probe import text
from modbus_bridge.probe.scan import Table
from modbus_bridge.probe.sheet import Row, Sheet

if TYPE_CHECKING:
    from rich.table import Table as RichTable

# How long a change stays marked.
_MARKED_S = 2.0


def document(address: str, tables: list[Table], sheet: Sheet) -> str:
    """Return everything as one line of JSON."""
    now_s = time.monotonic()
    found: dict[str, Any] = {"address": address, "time": datetime.now().astimezone().isoformat(timespec="milliseconds")}
    if tables:
        found["tables"] = [text.table_facts(table) for table in tables]
    found["rows"] = [text.facts(row, now_s) for row in sheet.rows]
    return orjson.dumps(found).decode()


@dataclass(frozen=True, slots=True)
class Look:
    """How rows are shown.

    Attributes:
        named: whether a file says what they are.
        all_rows: whether those are shown, too, that are 0 and have no name.
    """

    named: bool
    all_rows: bool

    @property
    def headings(self) -> tuple[str, ...]:
        """The names of the columns."""
        return text.NAMED if self.named else text.RAW

    def rows(self, sheet: Sheet) -> list[Row]:
        """Return the rows that are shown."""
        return sheet.rows if self.named or self.all_rows else [row for row in sheet.rows if not row.is_zero]

    def hidden(self, sheet: Sheet, shown: int) -> str:
        """Return what a person is told of the others; empty if there are none."""
        zeros = len(sheet.rows) - len(self.rows(sheet))
        others = len(sheet.rows) - zeros - shown
        parts = (f"{others} more" if others else "", f"{zeros} that are 0 (--all)" if zeros else "")
        return "... and " + ", ".join(filter(None, parts)) if others or zeros else ""


def plain(sheet: Sheet, look: Look) -> None:
    """Print a table of all rows, without anything that only a terminal understands."""
    now_s = time.monotonic()
    rows = look.rows(sheet)
    lines = [look.headings, *(text.cells(row, sheet, now_s, named=look.named) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo(_aligned(line, widths, look))
    if hidden := look.hidden(sheet, len(rows)):
        click.echo(hidden)


class Changes:
    """Prints what has changed since it was printed last, a line for each row."""

    def __init__(self, sheet: Sheet, look: Look) -> None:
        """What is in `sheet` now counts as printed."""
        self._sheet = sheet
        self._named = look.named
        self._printed_s = time.monotonic()

    def print(self) -> None:
        """Print them."""
        since_s, self._printed_s = self._printed_s, time.monotonic()
        clock = f"{datetime.now().astimezone():%H:%M:%S.%f}"[:-3]
        for row in self._sheet.rows:
            if row.changed_s is not None and row.changed_s >= since_s:
                cells = text.cells(row, self._sheet, self._printed_s, named=self._named)
                click.echo("  ".join((clock, *filter(None, cells))))


def rich_table(sheet: Sheet, look: Look, most: int | None = None) -> RichTable:
    """Return a table for a terminal; what changed lately stands out, what is not fresh is dim and says why.

    `most` is how many rows fit.
    """
    from rich.table import Table as RichTable
    from rich.text import Text

    now_s = time.monotonic()
    table = RichTable(box=None, pad_edge=False, header_style="bold", show_edge=False)
    for name in look.headings:
        table.add_column(name, justify="right" if _is_right(name, look) else "left", no_wrap=True)
    rows = look.rows(sheet)[:most]
    for row in rows:
        # Text, not str: what a device tells is no markup.
        table.add_row(*map(Text, text.cells(row, sheet, now_s, named=look.named)), style=_style(row, now_s))
    if hidden := look.hidden(sheet, len(rows)):
        table.add_row(Text(hidden), style="dim")
    return table


def say(lines: Iterable[str]) -> None:
    """Print lines above a table."""
    for line in lines:
        click.echo(line)


def is_terminal() -> bool:
    """Tell whether a person looks at our output."""
    return sys.stdout is not None and sys.stdout.isatty()


def _style(row: Row, now_s: float) -> str:
    if not row.is_fresh:
        return "dim red" if row.words is None else "dim yellow"
    return "bold green" if row.changed_s is not None and now_s - row.changed_s < _MARKED_S else ""


def _aligned(cells: Iterable[str], widths: Iterable[int], look: Look) -> str:
    texts = (
        cell.rjust(width) if _is_right(name, look) else cell.ljust(width)
        for cell, width, name in zip(cells, widths, look.headings, strict=True)
    )
    return "  ".join(texts).rstrip()


def _is_right(name: str, look: Look) -> bool:
    return name in text.RIGHT or (look.named and name == "value")
