"""The other pages of ``ess_view``: all values of all assets, and what to type in a shell."""

from __future__ import annotations

import time
from typing import ClassVar, Final

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import DataTable, Footer, Static

from tools.view.details import Detail, details
from tools.view.orders import shells
from tools.view.shown import Tone
from tools.view.store import Store
from tools.view.widgets import STYLES

_DRAW_EVERY_S: Final = 0.5


class Details(Screen[None]):
    """The values that the pages of all assets show."""

    AUTO_FOCUS = "DataTable"

    BINDINGS: ClassVar = [
        Binding("escape,d,q", "app.pop_screen", "Back", key_display="Esc"),
    ]

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._shown: list[Detail] = []

    def compose(self) -> ComposeResult:
        """Make the table."""
        yield DataTable(zebra_stripes=True, cursor_type="row")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin."""
        table = self.query_one(DataTable)
        for label in ("Asset", "What", "Value", "Not heard for"):
            table.add_column(label, key=label)
        self._draw()
        self.set_interval(_DRAW_EVERY_S, self._draw)

    def _draw(self) -> None:
        table = self.query_one(DataTable)
        found = details(self._store, time.monotonic())
        if [one.key for one in found] != [one.key for one in self._shown]:
            table.clear()
            for one in found:
                table.add_row(*_cells(one), key=one.key)
        else:
            for one, before in zip(found, self._shown, strict=True):
                if one != before:
                    for label, cell in zip(("Asset", "What", "Value", "Not heard for"), _cells(one), strict=True):
                        table.update_cell(one.key, label, cell, update_width=True)
        self._shown = found


class Shells(Screen[None]):
    """The commands that do the same as the keys."""

    BINDINGS: ClassVar = [Binding("escape,question_mark,q", "app.pop_screen", "Back", key_display="Esc")]

    def __init__(self, store: Store, ess: str | None, bus: str | None) -> None:
        super().__init__()
        self._commands = shells(store, ess, bus)
        where = f" --bus {bus}" if bus else ""
        self._look = f"fims_send{where} -m get -u /{store.engine}/states -r /me | jq"

    def compose(self) -> ComposeResult:
        """Write them."""
        text = Text("The same from a shell; a person with the keys and a script are alike to the engine.\n\n")
        for key, command in self._commands:
            text.append(f"{key.key}  {key.label}\n", "bold").append(f"   {command}\n")
        text.append("\nStates, and why a request was refused\n", "bold").append(f"   {self._look}\n")
        with VerticalScroll():
            yield Static(text)
        yield Footer(compact=True, show_command_palette=False)


def _cells(one: Detail) -> tuple[Text, ...]:
    style = STYLES[one.value.tone]
    return (
        Text(one.asset, "dim"),
        Text(one.value.label),
        Text(one.value.text, style),
        Text(one.age, STYLES[Tone.SILENT]),
    )
