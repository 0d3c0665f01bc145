"""What a run leaves behind: ``bench.json`` and ``docs/benchmarks.md``. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.bench import table
from tools.bench.row import Measured
from tools.bench.table import Table
from tools.bench.verdict import Result, Verdict, arrivals, results, verdicts

_INTRODUCTION = """\
# Benchmarks

Written by `make bench` on {date}; do not edit. It measures this bus beside others in one run and overwrites this page.
`python -m tools.bench --help` says how to measure a part of it.

{facts}

## Required

{requirements}

## Figures

{figures}
"""

_READING = """\
## How to read it

- Publishers, brokers and subscribers are processes of their own on one machine. Ours and libzmq's proxy talk over a
  Unix socket, the others over loopback TCP, as they come.
- Each figure is the median of the runs named beside it. The systems are measured in turn, again and again, so that a
  slow minute hits all of them; each sample has a broker of its own.
- *Arrived* is counted, not estimated: what ours received of what was sent, and the others where something is missing. A
  message to eight subscribers counts eight times.
- The peers' queues are unlimited where they have a limit, so that nothing is dropped for being fast: libzmq's
  high-water marks, mosquitto's `max_queued_messages`, redis' output buffer. redis publishes in pipelines of 100.
- Ratios within a table can be compared with those of another machine; the figures themselves cannot.
{notes}"""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was measured, ready to be shown.

    Attributes:
        measured: the rows.
        systems: the names of the systems, in the order of the columns.
        facts: what machine and which programs it was measured with: name -> value.
        skipped: what could not be measured, and why.
    """

    measured: Sequence[Measured]
    systems: Sequence[str]
    facts: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    def results(self) -> list[Result]:
        """Return all figures."""
        return [result for measured in self.measured for result in results(measured)]

    def verdicts(self) -> list[Verdict]:
        """Return what became of all requirements."""
        return verdicts(self.results())

    def figures(self) -> Table:
        """Return the table of the figures."""
        came = {measured.row.name: arrivals(measured) for measured in self.measured}
        return table.figures(self.results(), came, self.systems)

    def requirements(self) -> Table:
        """Return the table of the requirements."""
        return table.requirements(self.verdicts())

    def text(self) -> str:
        """Return it for a terminal."""
        parts = (self.figures().text(), self.requirements().text(), "\n".join(self._skipped("")))
        return "\n\n".join(part for part in parts if part)

    def document(self) -> str:
        """Return it as a page of the documentation."""
        facts = "\n".join(f"- {name}: {value}" for name, value in self.facts.items() if name != "date")
        page = _INTRODUCTION.format(
            date=self.facts.get("date", "an unknown day"),
            facts="\n".join([facts, *self._skipped("- ")]),
            requirements=self.requirements().markdown(),
            figures=self.figures().markdown(),
        )
        notes = {measured.row.note: measured.row.title for measured in reversed(self.measured) if measured.row.note}
        return page + "\n" + _READING.format(notes="".join(f"- *{notes[note]}*: {note}\n" for note in reversed(notes)))

    def json(self) -> list[dict[str, Any]]:
        """Return it for programs."""
        return [_entry(result) for result in self.results()]

    def _skipped(self, before: str) -> list[str]:
        return [f"{before}skipped: {name}: {reason}" for name, reason in self.skipped.items()]


def _entry(result: Result) -> dict[str, Any]:
    facts = {"name": result.name, "unit": result.figure.unit, "ours": result.ours}
    return {**facts, "peers": result.peers, "runs": result.runs}
