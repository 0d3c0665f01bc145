"""The application of ``ess_view``: draws the picture several times a second, and carries out what keys ask for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, VerticalScroll
from textual.css.query import NoMatches
from textual.widgets import Footer, Input, RichLog, Static

from ess_bus.errors import ConfigurationError
from tools.view import journal
from tools.view.feed import Feed
from tools.view.orders import KEYS, Key, Order, Refusal, order
from tools.view.picture import picture
from tools.view.roles import roles
from tools.view.screens import Details, Shells
from tools.view.store import Store
from tools.view.widgets import Box, NumberField, SingleLine, entry, line, lines

# How often what has changed is drawn; the age of what is silent counts on.
DRAW_EVERY_S: Final = 0.2
_MOST_ENTRIES: Final = 500


class View(App[int]):
    """The view.

    Args:
        bus: where the broker is; ``None`` is this user's default.
        engine: the name of the engine.
        ess: the asset that is operated; ``None`` is the first.
        read_only: the keys that operate the site do nothing.
        about: what stands in the last line of the title: where the log is.
        ended: says why the view has to end: the site that it shows could not be started. Empty while all is well.
    """

    CSS_PATH = "view.tcss"
    TITLE = "ess_view"
    ENABLE_COMMAND_PALETTE = False
    # The field for numbers would take the keys.
    AUTO_FOCUS = None
    BINDINGS: ClassVar = [
        *(Binding(one.key, f"press('{one.key}')", one.short, priority=one.name == "EStop") for one in KEYS),
        Binding("d", "details", "Details"),
        Binding("question_mark", "shells", "Shell", key_display="?"),
        Binding("q", "leave", "Quit"),
        Binding("ctrl+c", "leave", "Quit", show=False, priority=True),
        Binding("escape", "forget", show=False),
    ]

    def __init__(
        self,
        bus: str | None = None,
        engine: str = "ess",
        ess: str | None = None,
        *,
        read_only: bool = False,
        about: str = "",
        ended: Callable[[], str] = str,
    ) -> None:
        super().__init__()
        self.store = Store(engine)
        self.bus = bus
        self.ess = ess
        self.failure = ""
        self.entries: deque[journal.Entry] = deque(maxlen=_MOST_ENTRIES)
        self._feed = Feed(bus, self.store, self._note, ess)
        self._read_only = read_only
        self._about = about
        self._ended = ended
        self._asked: Order | None = None
        self._typing: Key | None = None

    def compose(self) -> ComposeResult:
        """Make the places."""
        yield Static(id="title")
        yield Static(id="banner")
        with VerticalScroll(id="line", can_focus=False):
            yield SingleLine()
        with Horizontal(id="middle"):
            yield Box(id="control")
            with VerticalScroll(id="scroll", can_focus=False):
                yield Static(id="messages")
        yield RichLog(id="journal", max_lines=_MOST_ENTRIES, wrap=True, min_width=40)
        yield Static(id="prompt")
        yield NumberField(id="number", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Begin."""
        self.query_one("#scroll").border_title = "Alarms and faults"
        self.query_one("#journal").border_title = "Answers and events"
        self.query_one("#journal", RichLog).can_focus = False
        self._close_prompt()
        self.run_worker(self._follow(), name="feed")
        self.set_interval(DRAW_EVERY_S, self._draw)

    async def _follow(self) -> None:
        try:
            await self._feed.run()
        except ConfigurationError as error:
            self.failure = str(error)
            self.exit(1)

    # -- drawing ---------------------------------------------------------------------------------------------------

    async def _draw(self) -> None:
        reason = self._ended()
        if reason:
            self.failure = reason
            self.exit(1)
            return
        # While the application ends, the places go before the timer does.
        with suppress(NoMatches):
            await self._show()

    async def _show(self) -> None:
        seen = picture(self.store, time.monotonic(), self.ess)
        now = f"{datetime.now().astimezone():%H:%M:%S}"
        about = f"  log: {self._about}" if self._about else ""
        screen = self.screen_stack[0]
        screen.query_one("#title", Static).update(line(seen.title).append(f"  {now}{about}", "dim"))
        banner = screen.query_one("#banner", Static)
        banner.display = bool(seen.banner)
        banner.update(lines(seen.banner))
        await screen.query_one(SingleLine).show(seen)
        screen.query_one("#control", Box).show(seen.control)
        screen.query_one("#messages", Static).update(lines(seen.messages))

    def _note(self, one: journal.Entry) -> None:
        self.entries.append(one)
        with suppress(NoMatches, IndexError):  # as in _draw
            self.screen_stack[0].query_one("#journal", RichLog).write(entry(one))

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_press(self, pressed: str) -> None:
        """Do what a key asks for, or ask back."""
        (key,) = (one for one in KEYS if one.key == pressed)
        self._close_prompt()
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if self._read_only:
            self._note(journal.left(f"{key.label}: this view only looks on (--read-only)", _now()))
        elif key.is_number:
            self._type(key)
        else:
            self._order(key)

    def _order(self, key: Key, typed: str = "") -> None:
        try:
            wanted = order(key, self.store, self._asset, typed)
        except Refusal as error:
            self._note(journal.left(str(error), _now()))
            return
        if wanted.warning:
            self._asked = wanted
            self._prompt(f"{wanted.label}: {wanted.warning}. Press y to do it, any other key to leave it.", "warning")
        else:
            self._send(wanted)

    def _send(self, wanted: Order) -> None:
        self._prompt(f"$ {wanted.shell(self.bus)}")
        self.run_worker(self._feed.carry_out(wanted), group="orders")

    def _type(self, key: Key) -> None:
        try:
            order(key, self.store, self._asset, "0")
        except Refusal as error:
            self._note(journal.left(str(error), _now()))
            return
        self._typing = key
        unit = "kW" if key.name.startswith("Active") else "kvar"
        self._prompt(f"{key.label} in {unit}, discharging is positive; Enter sends it, Escape leaves it:", "warning")
        field = self.query_one("#number", Input)
        field.value = ""
        field.display = True
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send the number."""
        key, typed = self._typing, event.value
        self._close_prompt()
        if key is not None:
            self._order(key, typed)

    def on_key(self, event: events.Key) -> None:
        """Take the answer to a question."""
        wanted, self._asked = self._asked, None
        if wanted is None:
            return
        event.prevent_default().stop()
        self._close_prompt()
        if event.key == "y":
            self._send(wanted)
        else:
            self._note(journal.left(f"{wanted.label}: left", _now()))

    def action_forget(self) -> None:
        """Leave what was begun."""
        self._close_prompt()

    def action_details(self) -> None:
        """Show the pages of all assets."""
        self.push_screen(Details(self.store))

    def action_shells(self) -> None:
        """Show what to type in a shell."""
        self.push_screen(Shells(self.store, self._asset, self.bus))

    def action_leave(self) -> None:
        """End."""
        self.exit(0)

    @property
    def _asset(self) -> str | None:
        return roles(self.store, self.ess).ess

    def _prompt(self, text: str, kind: str = "") -> None:
        prompt = self.screen_stack[0].query_one("#prompt", Static)
        prompt.set_class(kind == "warning", "warning")
        prompt.update(Text(text, no_wrap=True, overflow="ellipsis"))

    def _close_prompt(self) -> None:
        self._asked = self._typing = None
        field = self.screen_stack[0].query_one("#number", Input)
        field.display = False
        self.screen_stack[0].set_focus(None)
        self._prompt("? shows what to type in a shell instead; d shows all values of all assets")


def _now() -> datetime:
    return datetime.now().astimezone()
