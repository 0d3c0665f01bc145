"""Reading the files of an engine's or a calculator's configuration from folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from ess_bus.configuration import json_files, read_bytes
from ess_bus.errors import ConfigurationError, Problem, raise_all
from ess_bus.tables.collection import Collection, Located, collect
from ess_bus.tables.shelf import Text, missing, require_plain


class HasErrors(Protocol):
    """What may hold files that cannot be used."""

    @property
    def errors(self) -> Sequence[Located]:
        """Why they cannot."""


class Folder:
    """A shelf of the files of some folders; the first one that has a file counts.

    Args:
        folders: where to look.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = tuple(dict.fromkeys(folders))

    def find(self, name: str) -> Text:
        """Return a file by its name, with or without ``.json``."""
        require_plain(name)
        for folder in self.folders:
            for path in (folder / name, folder / f"{name}.json"):
                if path.is_file():
                    return Text(path.name, str(path), read_bytes(path))
        known = sorted(path.name for folder in self.folders for path in folder.glob("*.json"))
        where = " or ".join(str(folder) for folder in self.folders) or "a folder"
        raise LookupError(missing(name, where, known))


def read(*paths: Path) -> tuple[Collection, Folder]:
    """Read folders of files, or files with what they ask for from their own folders; also return where these are.

    Raises:
        ConfigurationError: there is nothing at a path, or no JSON file in a folder.
    """
    found = Collection()
    shelf = Folder([path if path.is_dir() else path.parent for path in paths])
    for path in paths:
        folder = Folder([path if path.is_dir() else path.parent, *shelf.folders])
        if not path.is_dir() and not path.is_file():
            read_bytes(path)  # says what is wrong with it
            raise ConfigurationError(path, [Problem("", "expected a folder or a file")])
        one = collect([file.name for file in json_files(path)], folder, whole=path.is_dir())
        found.documents += one.documents
        found.warnings += one.warnings
        found.errors += one.errors
    return found, shelf


def read_tables(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the files of a configuration with their content, an object of tables each; templates once an instance.

    What is missing is left to the engine to tell.

    Raises:
        ConfigurationError: as `read`; or, after all others, files cannot be read, are not JSON or not an object.
    """
    found, _ = read(path)
    for made in found.documents:
        tables: dict[str, Any] = {}
        for table, members in made.tables:
            known = tables.get(table)
            tables[table] = {**known, **members} if isinstance(known, dict) and isinstance(members, dict) else members
        yield Path(made.source).with_name(made.name), tables
    raise_errors(found)


def raise_errors(found: HasErrors) -> None:
    """Raise what is wrong with all files that cannot be used.

    Raises:
        ConfigurationError: there is one.
    """
    problems: dict[str, list[Problem]] = {}
    for source, problem in found.errors:
        problems.setdefault(source, []).append(problem)
    raise_all([ConfigurationError(source, several) for source, several in problems.items()])
