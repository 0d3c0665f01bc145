"""Loading an engine's configuration: a folder of JSON files, each ``{"/table": {"variable": definition}}``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ess_bus.configuration import read_tables
from ess_bus.control import Mode, Subscriptions
from ess_bus.engine.blocking import BLOCKED
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.engine import problems
from ess_bus.engine.links import LINKS, VLINKS, is_note, link, vlink
from ess_bus.engine.meaning import KEEP, Assignment, member
from ess_bus.errors import ConfigurationError, Problem, UriError
from ess_bus.reference import Reference
from ess_bus.uri import check as check_uri
from ess_bus.uri import is_under, normal, segments

# Tables that describe the engine itself; they are reached below its own name only.
INTERNAL: Final = frozenset(
    {
        "links",
        "vlinks",
        "locks",
        "schedule",
        "sched",
        "states",
        "config",
        "templates",
        "notes",
        "reload",
        "system",
        "control",
    }
    | {"test", "blockeduris"}
)
# Only old engines of the original had them.
_OLD_RULES: Final = frozenset({"/gets/blocked", "/sets/blocked", "/pubs/blocked"})
_OLD_KEYS: Final = frozenset({"BlockGets", "BlockSets", "BlockPubs"})
_RULES: Final = frozenset(f"{BLOCKED}/{method}" for method in ("get", "set", "pub"))
_ONLY_RULES: Final = f"blocks nothing; {BLOCKED}/get, set and pub do"
# Device values belong to the bridge that reads them (one owner per URI): the engine takes its pubs and answers nothing.
FOREIGN: Final = frozenset({"components"})


@dataclass(frozen=True, slots=True)
class EngineConfiguration:
    """A checked configuration.

    Attributes:
        assignments: the definitions, in the order of the files.
        roots: which parts of the bus the engine listens to, besides its own name.
        owned: which of these the configuration says it owns.
        warnings: what was left out, with its place.
    """

    assignments: tuple[Assignment, ...]
    roots: Subscriptions
    owned: tuple[str, ...]
    warnings: tuple[Problem, ...]


# An engine without tables listens where the original does.
EMPTY: Final = EngineConfiguration(
    (),
    {"/components": Mode.PUB_ONLY, **dict.fromkeys(("/assets", "/system", "/site", "/reload", "/misc2"), Mode.ALL)},
    (),
    (),
)


def load(path: Path) -> EngineConfiguration:
    """Load a folder of JSON files, or one file.

    Raises:
        ConfigurationError: a file cannot be read, or is not an object of tables; names the file and the place.
    """
    datamap = DataMap()
    assignments: list[Assignment] = []
    warnings: list[Problem] = []
    for file, document in read_tables(path):
        reader = _FileReader(datamap)
        for table, members in document.items():
            reader.read(table, members)
        if reader.problems:
            raise ConfigurationError(file, reader.problems)
        assignments += reader.assignments
        warnings += [Problem(f"{file.name}: {warning.where}", warning.message) for warning in reader.warnings]
    return EngineConfiguration(tuple(assignments), _roots(datamap, path), _owned(datamap, path), tuple(warnings))


class _FileReader:
    """Takes the tables of one file into the data map and notes what is wrong with them."""

    def __init__(self, datamap: DataMap) -> None:
        self._datamap = datamap
        self.assignments: list[Assignment] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def read(self, table: str, members: Any) -> None:
        if not table.startswith("/"):
            self.warnings.append(Problem(table, "unknown key; tables start with '/'"))
            return
        try:
            path = normal(check_uri(table))
        except UriError as error:
            self.problems.append(Problem(table, error.reason))
            return
        if path == "/":
            self.problems.append(Problem(table, "expected a table such as /status/bms"))
            return
        if not isinstance(members, dict):
            self.problems.append(Problem(table, f"expected an object of variables, got {str(members)[:40]!r}"))
            return
        if path in _OLD_RULES or (is_under(path, BLOCKED) and path not in _RULES):
            self.warnings.append(Problem(path, _ONLY_RULES))
        if path == "/config/ess":
            self.warnings += [Problem(f"{path}:{key}", _ONLY_RULES) for key in sorted(_OLD_KEYS & members.keys())]
        self._datamap.table(path)
        for name, definition in members.items():
            self._define(path, name, definition)

    def _define(self, table: str, name: str, definition: Any) -> None:
        known = self._datamap.find(table, name) is not None
        try:
            assignment = self._datamap.checked(member(Reference(table, name), definition))
        except ValueError as error:
            # A second definition that does not fit the first is left out; the type of the first one stays.
            (self.warnings if known else self.problems).append(Problem(table, str(error)))
            return
        self._datamap.apply(assignment)
        self.assignments.append(assignment)
        place = str(assignment.place)
        self.warnings += [Problem(place, text) for text in problems(assignment)]
        if (problem := _link_problem(assignment)) is not None:
            self.warnings.append(Problem(place, f"{problem}; left out"))


def _link_problem(assignment: Assignment) -> str | None:
    table, name, _ = assignment.place
    value = None if assignment.value == KEEP else assignment.value
    try:
        if table.startswith(LINKS + "/") and not is_note(name):
            link(value, assignment.parameters or {})
        elif table.startswith(VLINKS + "/") and not is_note(name):
            vlink(value, assignment.parameters or {})
    except ValueError as error:
        return str(error)
    return None


def _roots(datamap: DataMap, path: Path) -> Subscriptions:
    """Return what to listen to: ``/config/ess`` may say it (``Subs``, ``Owns``), else every table's first segment."""
    listed = _named(datamap, path, "Subs") or sorted(
        root for root in {segments(table)[0] for table in datamap.tables} if root not in INTERNAL
    )
    roots = {root: Mode.PUB_ONLY if segments(root)[0] in FOREIGN else Mode.ALL for root in listed}
    return {f"/{root}": mode for root, mode in roots.items()} | dict.fromkeys(_owned(datamap, path), Mode.ALL)


def _owned(datamap: DataMap, path: Path) -> tuple[str, ...]:
    return tuple(f"/{root}" for root in _named(datamap, path, "Owns"))


def _named(datamap: DataMap, path: Path, key: str) -> list[str]:
    found = datamap.find("/config/ess", key)
    if found is None:
        return []
    roots = [text.strip() for text in str(found.value).split(",")]
    if not all(root.startswith("/") and segments(root) for root in roots):
        raise ConfigurationError(path, [Problem(f"/config/ess:{key}", "expected URIs separated by commas")])
    return ["/".join(segments(root)) for root in roots]
