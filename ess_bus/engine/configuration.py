"""Loading an engine's configuration: folders or files of ``{"/table": {"variable": definition}}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ess_bus.configuration import read_bytes
from ess_bus.control import Mode, Subscriptions
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.functions.table_lookup import CELLS, TABLES
from ess_bus.engine.meaning import Assignment
from ess_bus.engine.reader import Reader
from ess_bus.engine.signals.lookup import read_csv
from ess_bus.errors import ConfigurationError, Problem
from ess_bus.reference import Reference
from ess_bus.tables.collection import Located
from ess_bus.tables.folder import Folder, raise_errors, read
from ess_bus.uri import check as check_uri
from ess_bus.uri import segments

# Tables that describe the engine itself; they are reached below its own name only.
INTERNAL: Final = frozenset(
    {"links", "vlinks", "locks", "schedule", "sched", "states", "config", "templates", "notes", "reload", "system"}
    | {"control", "tables", "test", "blockeduris", "sets", "gets", "pubs", "sysconfig"}
)
# Device values belong to the bridge that reads them (one owner per URI): the engine takes its pubs and answers nothing.
FOREIGN: Final = frozenset({"components"})
# Where the engine's own settings are: of old files, and of new ones.
_OWN_TABLES: Final = ("/config/ess", "/sysconfig/default")
_SEPARATOR: Final = re.compile("[,:]")


@dataclass(frozen=True, slots=True)
class EngineConfiguration:
    """A checked configuration.

    Attributes:
        assignments: the definitions, in the order of the files.
        roots: which parts of the bus the engine listens to, besides its own name.
        owned: which of these the configuration says it owns.
        warnings: what was left out, with its place.
        name: what the engine is called, if the configuration says so.
        shelf: where its files are.
        tables: all of them, also those without variables, in the order of the files.
        is_dump: an engine wrote it: what it did at that moment must not begin anew by itself.
        origins: which file a variable was defined in last.
    """

    assignments: tuple[Assignment, ...]
    roots: Subscriptions
    owned: tuple[str, ...]
    warnings: tuple[Problem, ...]
    name: str | None = None
    shelf: Folder = field(default_factory=lambda: Folder(()))
    tables: tuple[str, ...] = ()
    is_dump: bool = False
    origins: Mapping[Reference, str] = field(default_factory=dict)


# An engine without tables listens where the original does.
EMPTY: Final = EngineConfiguration(
    (),
    {"/components": Mode.PUB_ONLY, **dict.fromkeys(("/assets", "/system", "/site", "/reload", "/misc2"), Mode.ALL)},
    (),
    (),
)


def load(*paths: Path) -> EngineConfiguration:
    """Load folders of JSON files, or files with what they ask for.

    Raises:
        ConfigurationError: a file cannot be read, or is not an object of tables; names the file and the place.
    """
    examined = examine(*paths)
    raise_errors(examined)
    return examined.configuration


@dataclass(frozen=True, slots=True)
class Examined:
    """A configuration with all that was found about it, whether it can be used or not.

    Attributes:
        configuration: what of it can be used.
        datamap: the map that its definitions make.
        errors: why it cannot be used.
        warnings: as those of the configuration, each with its file.
    """

    configuration: EngineConfiguration
    datamap: DataMap
    errors: list[Located]
    warnings: list[Located]


def examine(*paths: Path) -> Examined:
    """Read a configuration to its end, whatever is wrong with it.

    Raises:
        ConfigurationError: there is nothing at a path, or no JSON file in a folder.
    """
    found, shelf = read(*paths)
    datamap = DataMap()
    reader = Reader(datamap)
    for document in found.documents:
        reader.read(document)
    tables, no_tables = _lookup_tables(shelf)
    errors = [*found.errors, *reader.errors]
    warnings = [*(_named(one) for one in [*found.warnings, *no_tables]), *reader.warnings, *reader.clashes]
    roots: dict[str, Mode] = {}
    owned: tuple[str, ...] = ()
    try:
        owned = _listed(datamap, "Owns")
        roots = _roots(datamap, owned)
    except ValueError as error:
        errors.append(Located(str(paths[0]), Problem(*str(error).split(" ", 1))))
    name = _own(datamap, "EssName")
    configuration = EngineConfiguration(
        (*reader.assignments, *tables),
        roots,
        owned,
        tuple(one.problem for one in warnings),
        name if isinstance(name, str) and segments(name) == (name,) else None,
        shelf,
        tuple(datamap.tables),
        any(document.is_dump for document in found.documents),
        reader.origins,
    )
    return Examined(configuration, datamap, errors, warnings)


def subscriptions(listed: Sequence[str], owned: Sequence[str] = ()) -> dict[str, Mode]:
    """Return what an engine listens to, and how."""
    return {root: Mode.PUB_ONLY if segments(root)[0] in FOREIGN else Mode.ALL for root in listed} | dict.fromkeys(
        owned, Mode.ALL
    )


def roots_of(text: str) -> tuple[str, ...]:
    """Return the URIs of a list such as ``/status, /site`` or ``:/components/ess_1:/assets:``.

    Raises:
        ValueError: it is something else.
    """
    parts = [part.strip() for part in _SEPARATOR.split(text)]
    named = [part for part in parts if part]
    if not named or not all(part.startswith("/") and segments(part) for part in named):
        raise ValueError("expected URIs separated by commas or colons")
    return tuple("/" + "/".join(segments(part)) for part in named)


def _lookup_tables(shelf: Folder) -> tuple[list[Assignment], list[Located]]:
    """Return the CSV files of the folders as variables ``/tables/<file>:cells``, and what is wrong with the others.

    The engine itself opens no files: functions find their tables in the data map, where people can see and set them.
    """
    found: dict[str, Assignment] = {}
    warnings: list[Located] = []
    for file in [file for folder in shelf.folders for file in sorted(folder.glob("*.csv"))]:
        try:
            place = Reference(check_uri(f"{TABLES}/{file.name}"), CELLS)
            found.setdefault(file.name, Assignment(place, read_csv(read_bytes(file).decode(errors="replace"))))
        except ConfigurationError as error:
            warnings += [Located(str(file), problem) for problem in error.problems]
        except ValueError as error:
            warnings.append(Located(str(file), Problem("", f"{error}; left out")))
    return list(found.values()), warnings


def _named(one: Located) -> Located:
    """Put the name of the file before the place, as the reader does."""
    name, (where, message) = Path(one.source).name, one.problem
    return Located(one.source, Problem(f"{name}: {where}" if where else name, message))


def _roots(datamap: DataMap, owned: Sequence[str]) -> dict[str, Mode]:
    """Return what to listen to: ``/config/ess`` may say it (``Subs``, ``Owns``), else every table's first segment."""
    listed = _listed(datamap, "Subs") or sorted(
        f"/{root}" for root in {segments(table)[0] for table in datamap.tables} if root not in INTERNAL
    )
    return subscriptions(listed, owned)


def _listed(datamap: DataMap, key: str) -> tuple[str, ...]:
    text = _own(datamap, key)
    if text is None:
        return ()
    try:
        return roots_of(str(text))
    except ValueError as error:
        raise ValueError(f"/config/ess:{key} {error}") from None


def _own(datamap: DataMap, key: str) -> object:
    for table in _OWN_TABLES:
        found = datamap.find(table, key)
        if found is not None:
            return found.value
    return None
