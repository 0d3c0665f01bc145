"""From samples to results, and from results to verdicts. No I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tools.bench.quantiles import median
from tools.bench.row import LOST, Figure, Measured, Requirement, Row, Sample


@dataclass(frozen=True, slots=True)
class Result:
    """One figure of one row.

    Attributes:
        row: the row.
        figure: which of its figures.
        ours: the median over the runs (the sum, if it counts losses); ``None`` if it could not be measured.
        peers: label -> the same of the others.
        runs: how many samples of ours the median is of.
    """

    row: Row
    figure: Figure
    ours: float | None
    peers: dict[str, float]
    runs: int

    @property
    def name(self) -> str:
        """What the figure is called where its row is not known."""
        return f"{self.row.title}: {self.figure.label}" if self.figure.label else self.row.title


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a requirement is met.

    Attributes:
        result: the figure that it is about.
        requirement: the requirement.
        measured: the ratio, or the figure itself; ``None`` if one side was not measured.
        met: ``None`` if that is not known.
    """

    result: Result
    requirement: Requirement
    measured: float | None
    met: bool | None


def results(measured: Measured) -> list[Result]:
    """Return the figures of a row; the last one is the number of lost messages."""
    row, ours = measured.row, measured.row.ours
    found = []
    for figure in (*row.figures, Figure(LOST, "messages", LOST)):
        values = {
            label: _combined(figure.key, samples)
            for label, samples in measured.samples.items()
            # Not every subject has every figure: where nothing runs, it has no processor time.
            if samples and (figure.key == LOST or figure.key in samples[0].values)
        }
        own = values.pop(ours, None)
        found.append(Result(row, figure, own, values, len(measured.samples.get(ours, ()))))
    return found


def verdicts(found: Iterable[Result]) -> list[Verdict]:
    """Return what became of the requirements of these results."""
    return [
        _judge(result, requirement)
        for result in found
        for requirement in result.row.requirements
        if requirement.figure == result.figure.key
    ]


def arrivals(measured: Measured) -> dict[str, tuple[int, int]]:
    """Return label -> (messages sent, messages arrived), over all runs."""
    return {
        label: (sum(sample.sent for sample in samples), sum(sample.arrived for sample in samples))
        for label, samples in measured.samples.items()
    }


def _combined(key: str, samples: list[Sample]) -> float:
    if key == LOST:
        return sum(sample.sent - sample.arrived for sample in samples)
    return median([sample.values[key] for sample in samples])


def _judge(result: Result, requirement: Requirement) -> Verdict:
    value = result.ours
    if requirement.against is not None and value is not None:
        other = result.peers.get(requirement.against)
        value = value / other if other else None
    if value is None:
        return Verdict(result, requirement, None, None)
    return Verdict(
        result, requirement, value, value >= requirement.bound if requirement.least else value <= requirement.bound
    )
