"""Reading a calculator's files: JSON files of tables, as the engine's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calculator.discovery import Found, discover
from calculator.operands import Tree
from ess_bus.errors import ConfigurationError, Problem, raise_all
from ess_bus.tables.folder import read_tables
from ess_bus.uri import normal, segments


@dataclass(frozen=True, slots=True)
class CalculatorConfiguration:
    """What files say, before an engine has been asked.

    Attributes:
        tables: table -> variable -> definition.
        found: the calculators among them, with the assets that the tables tell of.
        files: which file a table's variable is defined in, for messages.
    """

    tables: dict[str, dict[str, Any]]
    found: Found
    files: dict[tuple[str, str], str]

    @property
    def warnings(self) -> list[Problem]:
        """What is wrong with single calculators, and with the rest."""
        wrong = [one for one in (*self.found.calculations, *self.found.templates) if one.problem]
        files = self.files
        problems = [Problem(f"{files[one.result.table, one.result.name]}: {one.result}", one.problem) for one in wrong]
        return [*problems, *self.found.warnings]


def load(path: Path, engine: str = "ess") -> CalculatorConfiguration:
    """Load a JSON file or a folder of them.

    Raises:
        ConfigurationError: a file cannot be read or is not an object of tables.
    """
    tables: dict[str, dict[str, Any]] = {}
    files: dict[tuple[str, str], str] = {}
    wrong: list[ConfigurationError] = []
    try:
        for file, document in read_tables(path):
            problems = _add(document, file.name, tables, files)
            if problems:
                wrong.append(ConfigurationError(file, problems))
    except ConfigurationError as error:
        wrong.append(error)
    raise_all(wrong)
    return CalculatorConfiguration(tables, discover(tables, Tree.of_tables(tables, engine), engine), files)


def _add(
    document: dict[str, Any], file: str, tables: dict[str, dict[str, Any]], files: dict[tuple[str, str], str]
) -> list[Problem]:
    """Add the tables of a file; return those that are none."""
    problems = []
    for name, members in document.items():
        if not name.startswith("/") or not segments(name):
            continue
        if not isinstance(members, dict):
            problems.append(Problem(name, f"expected an object of variables, got {str(members)[:40]!r}"))
            continue
        table = normal(name)
        known = tables.setdefault(table, {})
        for variable, definition in members.items():
            known[variable] = _joined(known.get(variable), definition)
            files[table, variable] = file
    return problems


def _joined(earlier: Any, later: Any) -> Any:
    """Return what two files say of one variable: the later one adds to the earlier one, as in the engine."""
    if not isinstance(earlier, dict):
        return later
    return {**earlier, **(later if isinstance(later, dict) else {"value": later})}
