"""`Row`: one thing that is measured, for this bus and for what it is compared with. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tools.bench.processes import Bench

# The figure that every row has: messages that were sent and did not arrive, over all runs.
LOST: Final = "lost"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a row.

    Attributes:
        key: its name in a `Sample` and in a `Requirement`.
        unit: what it counts.
        label: what it is called beside the title of its row; empty if the row has only this one.
    """

    key: str
    unit: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of one subject gave.

    Attributes:
        values: figure -> value.
        sent: messages that should have arrived; a message to eight subscribers counts eight times.
        arrived: those that did.
    """

    values: Mapping[str, float]
    sent: int
    arrived: int


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a row measures.

    Attributes:
        label: its name in the tables.
        measure: runs it once.
        missing: why it cannot be measured here; empty if it can.
    """

    label: str
    measure: Callable[[Bench], Sample]
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A bound that a figure of ours must keep.

    Attributes:
        figure: which one.
        bound: the bound, as a multiple of the other's figure or, without one, in the figure's unit.
        least: whether it is a lower bound.
        against: the label of the subject to compare with.
    """

    figure: str
    bound: float
    least: bool
    against: str | None = None


def at_least(figure: str, bound: float, against: str | None = None) -> Requirement:
    """Return a lower bound."""
    return Requirement(figure, bound, True, against)


def at_most(figure: str, bound: float, against: str | None = None) -> Requirement:
    """Return an upper bound."""
    return Requirement(figure, bound, False, against)


LOSES_NOTHING: Final = at_most(LOST, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One idea, measured.

    Attributes:
        name: what is typed to choose it.
        title: what the tables call it.
        figures: what a sample holds.
        subjects: ours first; all are measured in turn, again and again, so that a slow minute hits all of them.
        requirements: what ours must reach.
        note: how it is measured, in a sentence for the report.
        repeat: samples per run, for what is over quickly.
        most_runs: at most so many runs, for what takes long.
    """

    name: str
    title: str
    figures: tuple[Figure, ...]
    subjects: tuple[Subject, ...]
    requirements: tuple[Requirement, ...] = ()
    note: str = ""
    repeat: int = 1
    most_runs: int = 1000

    @property
    def ours(self) -> str:
        """The label of what is ours."""
        return self.subjects[0].label

    def samples(self, runs: int) -> int:
        """Return how many samples of each subject `runs` runs take."""
        return min(runs, self.most_runs) * self.repeat


@dataclass(slots=True)
class Measured:
    """The samples of a row.

    Attributes:
        row: the row.
        samples: label of a subject -> its samples.
        failures: label of a subject -> why it has none.
    """

    row: Row
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
