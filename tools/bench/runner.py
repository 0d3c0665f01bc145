"""Running a row: all its subjects in turn, again and again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from ess_bus.errors import EssError
from tools.bench.processes import Bench
from tools.bench.row import Measured, Row, Sample, Subject
from tools.bench.table import number

Say = Callable[[str], None]


def run(row: Row, bench: Bench, runs: int, say: Say) -> Measured:
    """Measure a row. A subject that fails once is left out from then on, and said to be."""
    measured = Measured(row)
    for subject in row.subjects:
        if subject.missing:
            measured.failures[subject.label] = f"not installed: {subject.missing}"
    samples = row.samples(runs)
    for turn in range(samples):
        heard = [
            f"{subject.label} {_first(row, _sample(subject, bench, measured))}"
            for subject in row.subjects
            if subject.label not in measured.failures
        ]
        say(f"{row.title} [{turn + 1}/{samples}]: {', '.join(heard)}")
    return measured


def _sample(subject: Subject, bench: Bench, measured: Measured) -> Sample | None:
    try:
        sample = subject.measure(bench)
    except (EssError, OSError, subprocess.SubprocessError) as error:
        measured.failures[subject.label] = str(error)
        return None
    measured.samples.setdefault(subject.label, []).append(sample)
    return sample


def _first(row: Row, sample: Sample | None) -> str:
    if sample is None:
        return "failed"
    return f"{number(sample.values[row.figures[0].key])} {row.figures[0].unit}"
