"""``ess_controller --check``: everything that is wrong with a configuration, as lines for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ess_bus.engine.configuration import FOREIGN, Examined, examine
from ess_bus.engine.review.findings import findings
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.tables.positions import Positions


@dataclass(frozen=True, slots=True)
class Line:
    """One problem.

    Attributes:
        source: the file.
        where: the place in it, ``/table:variable``.
        kind: problems of one kind are shown together.
        message: what is wrong.
    """

    source: str
    where: str
    kind: str
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        errors: why the configuration cannot be used.
        warnings: what is left out, or is not as somebody may have meant it.
        tables, variables: how much there is.
    """

    errors: tuple[Line, ...]
    warnings: tuple[Line, ...]
    tables: int = 0
    variables: int = 0

    def text(self, *, verbose: bool) -> Iterator[str]:
        """Yield the lines: every error, one line for each kind of warning or all of them, and a summary."""
        for line in self.shown_errors():
            yield f"error: {line}"
        for line in self.shown_warnings(verbose=verbose):
            yield f"warning: {line}"
        yield self._summary()

    def shown_errors(self) -> Iterator[str]:
        """Yield a line for each error, with the number of the line in the file."""
        lines = _Lines()
        return map(lines.show, self.errors)

    def shown_warnings(self, *, verbose: bool) -> Iterator[str]:
        """Yield a line for each kind of warning, the most frequent first, or for each warning."""
        lines = _Lines()
        for group in _groups(self.warnings):
            for line in group if verbose else group[:1]:
                more = f" (and {len(group) - 1} more; -v shows them)" if len(group) > 1 and not verbose else ""
                yield f"{lines.show(line)}{more}"

    def _summary(self) -> str:
        counted = f"{self.tables} tables, {self.variables} variables"
        if self.errors:
            return f"cannot be used: {_count(len(self.errors), 'error')}, {_count(len(self.warnings), 'warning')}"
        if not self.warnings:
            return f"ok: {counted}"
        return f"ok with {_count(len(self.warnings), 'warning')}: {counted}"


def check(paths: Sequence[Path], name: str = "ess") -> Verdict:
    """Check a configuration.

    Args:
        paths: folders and files.
        name: the engine's, if the configuration does not say it.
    """
    try:
        examined = examine(*paths)
    except ConfigurationError as error:
        return Verdict(tuple(Line(error.source, *_split(problem), problem.message) for problem in error.problems), ())
    errors = tuple(
        Line(one.source, one.problem.where, one.problem.message, one.problem.message) for one in examined.errors
    )
    warnings = [
        Line(one.source, *_split(_without_file(one.source, one.problem)), one.problem.message)
        for one in examined.warnings
    ]
    if not errors:
        warnings += _reviewed(examined, examined.configuration.name or name)
    tables = examined.datamap.tables
    return Verdict(errors, tuple(warnings), len(tables), sum(map(len, tables.values())))


def _reviewed(examined: Examined, name: str) -> Iterator[Line]:
    for finding in findings(examined.datamap, name, FOREIGN):
        source = examined.configuration.origins.get(finding.where, "")
        yield Line(source, str(finding.where), finding.kind, finding.message)


def _split(problem: Problem) -> tuple[str, str]:
    return problem.where, problem.message


def _without_file(source: str, problem: Problem) -> Problem:
    """Leave out the name of the file in front of a place: the line begins with the whole path."""
    name, colon, where = problem.where.partition(": ")
    if not colon:
        return Problem("" if problem.where == Path(source).name else problem.where, problem.message)
    instance = name.partition(" as ")[2]
    return Problem(f"{where} ({instance})" if instance else where, problem.message)


def _groups(lines: Sequence[Line]) -> list[list[Line]]:
    """Put lines of one kind together, the largest group first."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.kind, []).append(line)
    return sorted(groups.values(), key=len, reverse=True)


class _Lines:
    """Finds the line numbers; each file is read again once, and only if something is wrong with it."""

    def __init__(self) -> None:
        self._positions: dict[str, Positions] = {}

    def show(self, line: Line) -> str:
        number = self._number(line)
        place = f"{line.source}:{number}" if number else line.source
        shown = ": ".join(part for part in (place, line.where, line.message) if part)
        return " ".join(shown.split())

    def _number(self, line: Line) -> int | None:
        if not line.where.startswith("/"):
            return None
        if line.source not in self._positions:
            try:
                self._positions[line.source] = Positions(Path(line.source).read_text(errors="replace"))
            except OSError:
                self._positions[line.source] = _NONE
        table, _, name = line.where.partition(" (")[0].partition(":")
        return self._positions[line.source].line(table, name.partition("@")[0] or None)


_NONE: Final = Positions("")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
