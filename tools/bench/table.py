"""Tables: of figures, of requirements. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.bench.row import LOST
from tools.bench.verdict import Result, Verdict

Arrivals = Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Table:
    """Cells under headers; the first column is text, the others are set flush right."""

    headers: Sequence[str]
    lines: Sequence[Sequence[str]]

    def text(self) -> str:
        """Return it for a terminal."""
        widths = [max(map(len, column)) for column in zip(self.headers, *self.lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if index else cell.ljust(width)
                for index, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in (self.headers, ["-" * width for width in widths], *self.lines)
        )

    def markdown(self) -> str:
        """Return it for a document."""
        rule = ["---", *["---:"] * (len(self.headers) - 1)]
        return "\n".join(f"| {' | '.join(line)} |" for line in (self.headers, rule, *self.lines))


def figures(results: Iterable[Result], arrived: Mapping[str, Arrivals], systems: Sequence[str]) -> Table:
    """Return the table of all figures.

    Args:
        results: the figures; those of losses are shown as what arrived.
        arrived: name of a row -> label of a subject -> (sent, arrived).
        systems: the peers that get a column of their own, in this order; others stand in the column ``beside``.
    """
    results = [result for result in results if result.figure.key != LOST]
    columns = [system for system in systems if any(system in result.peers for result in results)]
    lines, shown = [], set()
    for result in results:
        others = [f"{label} {number(value)}" for label, value in result.peers.items() if label not in columns]
        lines.append(
            [
                result.name,
                result.figure.unit,
                number(result.ours),
                *(number(result.peers.get(system)) for system in columns),
                "; ".join(others),
                "" if result.row.name in shown else _arrived(arrived[result.row.name], result.row.ours),
                str(result.runs),
            ]
        )
        shown.add(result.row.name)
    return Table(["", "unit", "ours", *columns, "beside", "arrived", "runs"], lines)


def requirements(verdicts: Iterable[Verdict]) -> Table:
    """Return the table of what is required."""
    lines = [
        [verdict.result.name, _bound(verdict), _measured(verdict), {True: "yes", False: "no", None: "?"}[verdict.met]]
        for verdict in verdicts
    ]
    return Table(["", "required", "measured", "met"], lines)


def number(value: float | None) -> str:
    """Return a number as a person reads it; a dash if there is none."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _bound(verdict: Verdict) -> str:
    requirement = verdict.requirement
    word = "at least" if requirement.least else "at most"
    if requirement.against is not None:
        return f"{word} {requirement.bound:g} x {requirement.against}"
    return f"{word} {requirement.bound:g} {verdict.result.figure.unit}"


def _measured(verdict: Verdict) -> str:
    if verdict.measured is None:
        return "not measured"
    if verdict.requirement.against is None:
        return f"{number(verdict.measured)} {verdict.result.figure.unit}"
    return f"{verdict.measured:.2f} x"


def _arrived(arrivals: Arrivals, ours: str) -> str:
    """Return what arrived: of ours always, of the others where something is missing."""
    return "; ".join(
        (f"all of {sent:,}" if came == sent else f"{came:,} of {sent:,}")
        if label == ours
        else f"{label} {came:,} of {sent:,}"
        for label, (sent, came) in arrivals.items()
        if label == ours or came != sent
    )
