"""The application of ``fims_top``."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.css.query import NoMatches
from textual.widgets import Footer, Input, Static

from ess_bus.errors import ConfigurationError
from ess_bus.uri import join, segments
from tools.top.lines import Lines
from tools.top.listening import Listener
from tools.top.rows import Choice, rows
from tools.top.text import heading
from tools.top.tree import Tree

DRAW_EVERY_S: Final = 0.5


class Top(App[int]):
    """The live tree.

    Args:
        bus: where the broker is; ``None`` is this user's default.
        uris: what to look at.
        choice: what is shown at first.
        hidden: pass over what begins with an underscore.
    """

    CSS = """
    #summary, #heading { height: 1; }
    #heading { text-style: bold reverse; }
    Lines { height: 1fr; }
    #filter { height: 1; border: none; padding: 0 1; }
    """
    TITLE = "fims_top"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = "Lines"
    BINDINGS: ClassVar = [
        Binding("enter,space", "open", "Open/close", key_display="⏎"),
        Binding("right,l", "down", "Drill down", key_display="→"),
        Binding("left,h", "up", "Up", key_display="←"),
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("s", "sort", "Sort"),
        Binding("p", "pause", "Pause"),
        Binding("escape", "clear", "Clear", key_display="Esc"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "leave", show=False, priority=True),
    ]

    def __init__(self, bus: str | None, uris: tuple[str, ...], choice: Choice, *, hidden: bool = True) -> None:
        super().__init__()
        self.tree_of_uris = Tree(time.monotonic(), hidden=hidden)
        self.listener = Listener(bus, uris, self.tree_of_uris)
        self.choice = choice
        self.failure = ""
        self.paused_s: float | None = None

    def compose(self) -> ComposeResult:
        """Make the places."""
        yield Static(id="summary")
        yield Static(id="heading")
        yield Lines()
        yield Input(id="filter", placeholder="part of a URI, or a pattern with *", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin."""
        self.query_one("#filter").display = False
        self.run_worker(self._follow(), name="listener")
        self.set_interval(DRAW_EVERY_S, self._refresh)
        self.call_after_refresh(self._draw)

    async def _follow(self) -> None:
        try:
            await self.listener.run()
        except ConfigurationError as error:
            self.failure = str(error)
            self.exit(1)

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        # While the application ends, the places go before the timer does.
        with suppress(NoMatches):
            if self.paused_s is None:
                self._draw()
            self._draw_summary()

    def _draw(self) -> None:
        table = self.query_one(Lines)
        shown = rows(self.tree_of_uris, self.choice, time.monotonic())
        if self.listener.trouble:
            shown = [row._replace(is_old=True) for row in shown]
        table.show(shown)
        self.query_one("#heading", Static).update(Text(heading(table.scrollable_content_region.width)))
        self._draw_summary()

    def _draw_summary(self) -> None:
        tree, choice = self.tree_of_uris, self.choice
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(f" {tree.root.rate(time.monotonic()):.0f} msg/s  {len(tree)} places  sort: {choice.sort}", "dim")
        if choice.root != "/":
            text.append(f"  at {choice.root}", "bold")
        if choice.filter:
            text.append(f"  filter: {choice.filter}", "bold")
        if self.paused_s is not None:
            text.append(f"  PAUSED for {time.monotonic() - self.paused_s:.0f} s", "bold yellow")
        if self.listener.lost or tree.left_out:
            text.append(f"  {self.listener.lost} messages LOST, {tree.left_out} without room", "bold red")
        if self.listener.trouble:
            text = Text(f" {self.listener.trouble}", "bold red", no_wrap=True, overflow="ellipsis")
        self.query_one("#summary", Static).update(text)

    # -- keys ------------------------------------------------------------------------------------------------------

    def _choose(self, choice: Choice) -> None:
        """Show something else; what is paused goes on, for the picture was of the former choice."""
        self.choice = choice
        self.paused_s = None
        self._draw()

    def action_open(self) -> None:
        """Open or close the row."""
        row = self.query_one(Lines).chosen
        if row is not None and row.is_open is not None:
            self._choose(self.choice.toggled(row.uri))

    def action_down(self) -> None:
        """Make the row the top."""
        row = self.query_one(Lines).chosen
        if row is not None and row.is_open is not None:
            self._choose(replace(self.choice, root=row.uri))

    def action_up(self) -> None:
        """Make what is above the top."""
        self._choose(replace(self.choice, root=join(segments(self.choice.root)[:-1])))

    def action_sort(self) -> None:
        """Order by something else."""
        self._choose(self.choice.next_sort())

    def action_pause(self) -> None:
        """Hold the picture, or let it go on; what passes meanwhile is still counted."""
        self.paused_s = time.monotonic() if self.paused_s is None else None
        self._refresh()

    def action_filter(self) -> None:
        """Ask for a filter."""
        field = self.query_one("#filter", Input)
        field.display = True
        field.value = self.choice.filter
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the filter."""
        self._close_filter()
        self._choose(replace(self.choice, filter=event.value.strip()))

    def action_clear(self) -> None:
        """Leave the filter."""
        self._close_filter()
        self._choose(replace(self.choice, filter=""))

    def action_leave(self) -> None:
        """End."""
        self.exit(0)

    def _close_filter(self) -> None:
        self.query_one("#filter").display = False
        self.query_one(Lines).focus()
