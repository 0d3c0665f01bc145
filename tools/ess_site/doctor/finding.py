"""`Finding`: what one look at a site has shown, and what to do about it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How something is: as it should be, worth a look, wrong, or not to be found out."""

    OK = "ok"
    NOTE = "note"
    WRONG = "WRONG"
    UNKNOWN = "unknown"


class Finding(NamedTuple):
    """What was looked at, how it is, and for what is not as it should be, what to do.

    Attributes:
        verdict: how it is.
        what: what was looked at.
        text: what was seen.
        advice: what to do; empty if nothing.
    """

    verdict: Verdict
    what: str
    text: str
    advice: str = ""

    def lines(self) -> Iterator[str]:
        """Yield what is printed: a line, and another one with the advice."""
        yield f"{self.verdict:<8} {self.what}: {_flat(self.text)}"
        if self.advice:
            yield f"{'':8} -> {_flat(self.advice)}"


def ok(what: str, text: str) -> Finding:
    """Return that something is as it should be."""
    return Finding(Verdict.OK, what, text)


def note(what: str, text: str, advice: str = "") -> Finding:
    """Return that something is worth a look."""
    return Finding(Verdict.NOTE, what, text, advice)


def wrong(what: str, text: str, advice: str) -> Finding:
    """Return that something is wrong."""
    return Finding(Verdict.WRONG, what, text, advice)


def unknown(what: str, text: str, advice: str = "") -> Finding:
    """Return that something could not be found out."""
    return Finding(Verdict.UNKNOWN, what, text, advice)


def summary(findings: Iterable[Finding]) -> str:
    """Return how many findings there are of each kind."""
    verdicts = [finding.verdict for finding in findings]
    return ", ".join(f"{verdicts.count(one)} {one.lower()}" for one in Verdict if one in verdicts)


def _flat(text: str) -> str:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
