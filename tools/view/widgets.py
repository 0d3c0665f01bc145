"""How a picture looks: colours, boxes and lines of text. Every text is a `Text`, so that no value can be markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Static

from tools.view.journal import Entry
from tools.view.orders import E_STOP
from tools.view.picture import Card, Joint, Picture, Row
from tools.view.shown import Shown, Tone

STYLES: Final = {
    Tone.PLAIN: "",
    Tone.GOOD: "bold green",
    Tone.BUSY: "bold yellow",
    Tone.BAD: "bold red",
    Tone.INVALID: "bold magenta",
    Tone.SILENT: "dim italic",
}
_EMPTY: Final = Card("", ())


def line(one: Shown) -> Text:
    """Return a line; what is silent is grey with its label."""
    text = Text(no_wrap=True, overflow="ellipsis")
    if one.label:
        text.append(f"{one.label} ", "dim")
    return text.append(one.text, STYLES[one.tone])


def lines(many: Iterable[Shown]) -> Text:
    """Return lines below each other."""
    return Text("\n", no_wrap=True, overflow="ellipsis").join([line(one) for one in many])


def entry(one: Entry) -> Text:
    """Return a line of the journal."""
    return Text(f"{one.at:%H:%M:%S} ", "dim").append(one.text, STYLES[one.tone])


class NumberField(Input):
    """Where a set point is typed. It leaves the key of the emergency stop to the application."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Tell whether a key is text to it."""
        return key != E_STOP.key and super().check_consume_key(key, character)


class Box(Static):
    """A device."""

    _card: Card | None = None

    def show(self, card: Card | None) -> None:
        """Draw it, if it has changed."""
        card = card or _EMPTY
        if card == self._card:
            return
        self._card = card
        self.set_class(card is _EMPTY, "empty")
        self.border_title = Text(card.title)
        self.border_subtitle = Text(card.note)
        self.update(lines(card.lines))


class Between(Static):
    """A contactor between two devices, as a piece of the single line."""

    _joint: Joint | None = None

    def show(self, joint: Joint | None) -> None:
        """Draw it, if it has changed."""
        if joint == self._joint:
            return
        self._joint = joint
        if joint is None:
            self.update("")
            return
        style = STYLES[joint.contactor.tone]
        switch = "━━━━━━━━━━" if joint.contactor.text == "closed" else "━━━/  ━━━━"
        rows = [
            Text(joint.title, "dim"),
            Text(joint.contactor.text, style),
            Text(switch, style),
            line(joint.power),
            Text(joint.arrow, STYLES[joint.power.tone]),
        ]
        self.update(Text("\n", no_wrap=True, overflow="ellipsis", justify="center").join(rows))


class Line(Horizontal):
    """From the grid to one battery."""

    def compose(self) -> ComposeResult:
        """Make the places."""
        yield Box(classes="grid empty")
        yield Between(classes="feeder")
        yield Box(classes="pcs")
        yield Between(classes="dc")
        yield Box(classes="bms")

    def show(self, row: Row, grid: Card | None) -> None:
        """Draw what has changed; the grid stands in the first line only."""
        self.query_one(".grid", Box).show(grid)
        self.query_one(".feeder", Between).show(row.feeder)
        self.query_one(".pcs", Box).show(row.pcs)
        self.query_one(".dc", Between).show(row.dc)
        self.query_one(".bms", Box).show(row.bms)


class SingleLine(Vertical):
    """All of them."""

    async def show(self, picture: Picture) -> None:
        """Draw what has changed."""
        rows = picture.rows or (Row(None, None, None, None),)
        have = list(self.query(Line))
        for surplus in have[len(rows) :]:
            await surplus.remove()
        for _ in range(len(rows) - len(have)):
            await self.mount(Line())
        for index, (one, row) in enumerate(zip(self.query(Line), rows, strict=True)):
            one.show(row, picture.grid if index == 0 else None)
