"""`Measure`: one quantity that a process shows to Prometheus; pure, and nothing of Prometheus is needed to have some.

What is not known has no sample. An age that has no beginning is infinite, so that a rule which asks whether it is too
large says yes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What a number is: one that only grows, one that goes up and down, or a 1 whose labels are what counts."""

    COUNTER = "counter"
    GAUGE = "gauge"
    INFO = "info"


class Sample(NamedTuple):
    """One number, of the thing that the labels name."""

    value: float
    labels: Mapping[str, str] = {}


class Measure(NamedTuple):
    """A quantity, with a sample for each thing that it is known of.

    Attributes:
        name: as Prometheus names it, with its unit, without the ending of its kind (``_total``, ``_info``).
        kind: what it is.
        text: a line about it.
        samples: all with the same labels.
    """

    name: str
    kind: Kind
    text: str
    samples: Sequence[Sample]


def counter(name: str, text: str, value: float) -> Measure:
    """Return a counter of one number."""
    return Measure(name, Kind.COUNTER, text, [Sample(value)])


def gauge(name: str, text: str, value: float | None) -> Measure:
    """Return a gauge of one number, without a sample if that is not known."""
    return Measure(name, Kind.GAUGE, text, [] if value is None else [Sample(value)])


def info(name: str, text: str, labels: Mapping[str, str]) -> Measure:
    """Return what is told by labels alone."""
    return Measure(name, Kind.INFO, text, [Sample(1, labels)])


def age(seconds: float | None) -> float:
    """Return an age in seconds: infinite where there was nothing yet."""
    return math.inf if seconds is None else seconds


def by_label(
    prefix: str, kind: Kind, texts: Mapping[str, str], label: str, rows: Mapping[str, Mapping[str, Any]]
) -> list[Measure]:
    """Return a measure for each name of `texts`, with a sample for each row that knows it.

    Args:
        prefix: what the names get in front.
        kind: what they are.
        texts: name -> a line about it; the name is also the key in the rows.
        label: the label that names a row.
        rows: name of a row -> its numbers by key.
    """
    return [
        Measure(
            f"{prefix}{name}",
            kind,
            text,
            [Sample(float(row[name]), {label: of}) for of, row in rows.items() if row.get(name) is not None],
        )
        for name, text in texts.items()
    ]
