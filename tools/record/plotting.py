"""A picture of variables over time, one below the other. A line ends where its value is not valid or was missed."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ess_bus.replacing import replacing
from tools.record.entry import RecordingError, moment
from tools.record.reader import Recording
from tools.record.samples import samples
from tools.record.selection import Selection

SUFFIXES: Final = (".png", ".svg", ".pdf")
_WIDTH_IN, _HEIGHT_IN = 10.0, 2.2


@dataclass(slots=True)
class Line:
    """The values of one variable; NaN where there is none.

    Attributes:
        times_us: microseconds since 1970.
        numbers: as many.
    """

    times_us: list[int] = field(default_factory=list)
    numbers: list[float] = field(default_factory=list)

    def add(self, at_us: int, number: float | None) -> None:
        """Add a value."""
        self.times_us.append(at_us)
        self.numbers.append(math.nan if number is None else number)


def lines(recording: Recording, selection: Selection, variables: Sequence[str]) -> dict[str, Line]:
    """Return the lines of variables, interrupted at every gap.

    Raises:
        RecordingError: the recording is damaged, or has no number of one of them.
    """
    found = {variable: Line() for variable in variables}
    breaks = sorted((gap.start_us for gap in recording.gaps()), reverse=True)
    for entry in recording.entries(selection):
        while breaks and breaks[-1] <= entry.at_us:
            at_us = breaks.pop()
            for line in found.values():
                line.add(at_us, None)
        for one in samples(entry.message):
            line_of = found.get(one.variable)
            if line_of is not None:
                line_of.add(entry.at_us, one.number)
    for variable, line in found.items():
        if all(map(math.isnan, line.numbers)):
            raise RecordingError(recording.path, f"no numbers of {variable} in what was selected")
    return found


def plot(recording: Recording, selection: Selection, variables: Sequence[str], path: Path) -> None:
    """Draw variables into a PNG, SVG or PDF, by its suffix.

    Raises:
        RecordingError: as `lines`.
        OSError: the file cannot be written.
        ImportError: matplotlib is missing.
    """
    # Not pyplot: that would look for a screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logging.getLogger("matplotlib").setLevel(logging.WARNING)
    drawn = lines(recording, selection, variables)
    figure = Figure(figsize=(_WIDTH_IN, 1.0 + _HEIGHT_IN * len(drawn)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)
    zone = None
    for axes, (variable, line) in zip(grid[:, 0], drawn.items(), strict=True):
        times = [moment(at_us) for at_us in line.times_us]
        zone = times[0].tzinfo
        # A value holds until the next one.
        axes.plot(times, line.numbers, drawstyle="steps-post", linewidth=1.0)
        axes.set_title(variable, loc="left", fontsize="small")
        axes.grid(visible=True, alpha=0.3)
    figure.autofmt_xdate()
    grid[-1, 0].set_xlabel(f"time ({zone})")
    with replacing(path) as output:
        figure.savefig(output, format=path.suffix[1:].lower())
