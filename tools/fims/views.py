"""What becomes of the messages that ``fims_listen`` receives: blocks, JSON lines, filtered lines, or a table."""

from __future__ import annotations

import os
import shutil
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

from ess_bus.message import Message
from ess_bus.output import wants_colours
from tools.fims.layout import block, json_line
from tools.fims.statistics import Statistics

if TYPE_CHECKING:
    from tools.fims.jq_filter import Filter

# Clear the terminal and begin at its top.
_AFRESH = b"\033[H\033[2J"
_REDRAW_EVERY_S = 1.0


class View(Protocol):
    """Shows messages."""

    def show(self, message: Message) -> bool:
        """Take a message; return whether it counts as shown."""

    def pause(self, lost: int) -> float | None:
        """Write what is due, for nothing more has arrived; return in how many seconds to be called again."""

    def finish(self, lost: int) -> None:
        """Write what is left; `lost` messages did not reach us."""


class Printed:
    """Every message as soon as it is here, as a block, as JSON or as what a filter makes of it."""

    def __init__(self, output: BinaryIO, *, json: bool, chosen: Filter | None) -> None:
        self._output = output
        self._json, self._filter = json, chosen
        self._colours = wants_colours(output)

    def show(self, message: Message) -> bool:
        """Print it; with a filter, it counts if that made something of it."""
        now = datetime.now().astimezone()
        if self._filter is not None:
            return self._print_filtered(self._filter, message, now)
        self._output.write(json_line(message, now) if self._json else block(message, now, colours=self._colours))
        return True

    def _print_filtered(self, chosen: Filter, message: Message, now: datetime) -> bool:
        printed = False
        try:
            for result in chosen.lines(json_line(message, now)):
                self._output.write(result + b"\n")
                printed = True
        except ValueError as error:
            # As jq does: the next message may well be what the filter expects.
            sys.stderr.write(f"fims_listen: {message.method} {message.uri}: {error}\n")
        return printed

    def pause(self, lost: int) -> None:  # noqa: ARG002 - the log says what was lost, when it was
        """Flush: whoever reads the other end of a pipe waits for it."""
        self._output.flush()

    def finish(self, lost: int) -> None:
        """Flush."""
        self.pause(lost)


class Counted:
    """A table of all URIs, each second on a terminal and at the end."""

    def __init__(self, output: BinaryIO) -> None:
        self._output = output
        self._live = output.isatty() and os.environ.get("TERM") != "dumb"
        self._statistics = Statistics(time.monotonic())
        self._drawn = float("-inf")

    def show(self, message: Message) -> bool:
        """Count it."""
        self._statistics.add(message.uri, len(message.body or b""), time.monotonic())
        return True

    def pause(self, lost: int) -> float | None:
        """Draw the table, if it is time to."""
        if not self._live:
            return None
        now = time.monotonic()
        if now - self._drawn >= _REDRAW_EVERY_S:
            self._drawn = now
            # Room for the heading, the summary, the line about hidden rows, and the cursor.
            self._draw(lost, max(1, shutil.get_terminal_size().lines - 4))
        return self._drawn + _REDRAW_EVERY_S - now

    def finish(self, lost: int) -> None:
        """Draw all of the table."""
        self._draw(lost, None)

    def _draw(self, lost: int, most: int | None) -> None:
        lines = self._statistics.lines(time.monotonic(), lost, most)
        text = "".join(f"{line}\n" for line in lines).encode(errors="replace")
        self._output.write((_AFRESH if self._live else b"") + text)
        self._output.flush()
