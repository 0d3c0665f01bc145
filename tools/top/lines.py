"""`Lines`: a table of which only what is on the screen is drawn, however long it is."""

from __future__ import annotations

from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tools.top.rows import Row
from tools.top.text import line

_PLAIN: Final = Style()
_OLD: Final = Style(dim=True, italic=True)
_INVALID: Final = Style(color="magenta", bold=True)
_CURSOR: Final = Style(reverse=True)


class Lines(ScrollView, can_focus=True):
    """The rows, one of which is chosen."""

    BINDINGS: ClassVar = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("home", "move(-1000000)", show=False),
        Binding("end", "move(1000000)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[Row] = []
        self.cursor = 0

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    def show(self, rows: list[Row]) -> None:
        """Draw these; the cursor stays on its URI, wherever that is now."""
        before = self.chosen
        self.rows = rows
        if before is not None and not (self.cursor < len(rows) and rows[self.cursor].uri == before.uri):
            places = {row.uri: index for index, row in enumerate(rows)}
            self.cursor = places.get(before.uri, min(self.cursor, max(0, len(rows) - 1)))
        self.virtual_size = Size(self.scrollable_content_region.width, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        index = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if index >= len(self.rows):
            return Strip.blank(width)
        row = self.rows[index]
        style = _OLD if row.is_old else _PLAIN if row.is_valid else _INVALID
        if index == self.cursor and self.has_focus:
            style += _CURSOR
        return Strip([Segment(line(row, width), style)], width)

    def action_move(self, by: int) -> None:
        """Choose another row."""
        self.cursor = max(0, min(self.cursor + by, len(self.rows) - 1))
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
        self.refresh()

    def action_page(self, by: int) -> None:
        """Choose the row a screen further."""
        self.action_move(by * max(1, self.scrollable_content_region.height - 1))
