"""From the files that somebody names to all documents of a configuration, in the order in which they are read.

What a document asks for follows it. A file is read once; a template once for each instance.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from ess_bus.errors import ConfigurationError, Problem
from ess_bus.tables.asked import LISTS, Asked, Instance, Kind, Mistake, asked_by
from ess_bus.tables.document import Document, document
from ess_bus.tables.load_list import read_list
from ess_bus.tables.parsing import pairs, parse
from ess_bus.tables.placeholders import fill_json, placeholders
from ess_bus.tables.server_map import is_modbus_file, server_tables
from ess_bus.tables.shelf import Shelf, Text

# A template may ask for others, but not for itself.
MAX_DEPTH: Final = 8
# The largest real one has 3 MB; what expands to more is a mistake or worse.
MAX_BYTES: Final = 64 << 20


class Located(NamedTuple):
    """A problem and the file that it is in."""

    source: str
    problem: Problem


@dataclass
class Collection:
    """What was found.

    Attributes:
        documents: to be read in this order.
        warnings: what is left out, or remarkable.
        errors: files that cannot be used.
    """

    documents: list[Document] = field(default_factory=list)
    warnings: list[Located] = field(default_factory=list)
    errors: list[Located] = field(default_factory=list)


def collect(names: Sequence[str], shelf: Shelf, *, whole: bool) -> Collection:
    """Read files and all that they ask for.

    Args:
        names: of the files to begin with.
        shelf: where they and others are.
        whole: they are all files of a folder: what another one asks for is read there, and templates are not read
            by themselves.
    """
    return _Collector(shelf).run(names, whole=whole)


def collect_list(name: str, definition: dict[str, Any], lists: dict[str, Any], shelf: Shelf) -> Collection:
    """Read what a list asks for, with all that follows.

    Args:
        name: the list's.
        definition: its ``new_options`` and so on.
        lists: all lists by name, for those that name others.
        shelf: where the files are.
    """
    collector = _Collector(shelf)
    collector.lists.update(lists)
    collector.run_list(name, definition, "the map", 0)
    return collector.found


def collect_document(begin: Document, shelf: Shelf) -> Collection:
    """Return a document that was handed over, and all that it asks for.

    Its lists are not run: what they name may come later, and then they are told to.
    """
    collector = _Collector(shelf)
    collector.add(begin, 0, run_lists=False)
    return collector.found


class _Collector:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self.found = Collection()
        self.lists: dict[str, Any] = {}
        self._read: set[str] = set()
        self._lists_run: set[str] = set()
        self._bytes = 0

    def run(self, names: Sequence[str], *, whole: bool) -> Collection:
        texts = [text for name in names if (text := self._find(name, name)) is not None]
        begun = [(text, made) for text in texts if (made := self._document(text)) is not None]
        for _, made in begun:
            self.note_lists(made)
        elsewhere = set(self._asked_for(made for _, made in begun)) if whole else set()
        for text, made in begun:
            if _stem(text.name) in elsewhere | self._read or (whole and self._is_left_out(made)):
                continue
            self._read.add(_stem(text.name))
            self.add(made, 0)
        for text, _ in begun:
            if _stem(text.name) in elsewhere - self._read:
                self._warn(text.source, "", "only files that are not read ask for it; not read")
        return self.found

    def note_lists(self, made: Document) -> None:
        if not made.is_dump:
            for table, members in made.tables:
                if table == LISTS and isinstance(members, dict):
                    self.lists.update(pairs(members))

    def add(self, made: Document, depth: int, *, run_lists: bool = True) -> None:
        """Take a document, and after it what it asks for."""
        self.found.documents.append(made)
        self.found.warnings += [Located(made.source, problem) for problem in made.warnings]
        for one in asked_by(made):
            if isinstance(one, Mistake):
                self._warn(made.source, one.where, f"{one.message}; left out")
            elif one.kind is Kind.LIST and not run_lists:
                continue
            elif depth >= MAX_DEPTH:
                self._warn(made.source, one.where, f"{one.file}: files ask for each other {MAX_DEPTH} deep; left out")
            else:
                self._take(one, made.source, depth)

    def run_list(self, name: str, definition: Any, source: str, depth: int) -> None:
        if name in self._lists_run:
            return
        self._lists_run.add(name)
        if not isinstance(definition, dict):
            self._warn(source, f"{LISTS}:{name}", "expected an object with new_options; left out")
            return
        before = len(self.found.warnings) + len(self.found.errors)
        for one in read_list(f"{LISTS}:{name}", definition):
            if isinstance(one, Mistake):
                self._warn(source, one.where, f"{one.message}; left out")
            else:
                self._take(one, source, depth)
        if before == len(self.found.warnings) + len(self.found.errors):
            self.found.documents.append(Document(name, source, ((LISTS, {name: {"value": True}}),)))

    def _take(self, asked: Asked, source: str, depth: int) -> None:
        match asked.kind:
            case Kind.LIST:
                self._take_list(asked, source, depth)
            case Kind.FILE:
                self._take_file(asked, source, depth)
            case Kind.TEMPLATE:
                self._take_template(asked, source, depth)
            case Kind.SERVER:
                self._take_server(asked, source)

    def _take_list(self, asked: Asked, source: str, depth: int) -> None:
        definition = self.lists.get(asked.file)
        if definition is None:
            self._take_file(asked, source, depth)
            definition = self.lists.get(asked.file)
        if definition is not None and depth >= MAX_DEPTH:
            self._warn(source, asked.where, f"{asked.file}: lists name each other {MAX_DEPTH} deep; left out")
        elif definition is not None:
            self.run_list(asked.file, definition, source, depth + 1)

    def _take_file(self, asked: Asked, source: str, depth: int) -> None:
        if _stem(asked.file) in self._read:
            return
        text = self._find(asked.file, source, asked.where)
        made = None if text is None else self._document(text)
        if text is None or made is None:
            return
        self._read.add(_stem(asked.file))
        self.note_lists(made)
        if asked.by_list:
            made = made.known_as(_stem(asked.file), asked.belonging, _fingerprint(text))
        self.add(made, depth + 1)

    def _take_template(self, asked: Asked, source: str, depth: int) -> None:
        text = self._find(asked.file, source, asked.where)
        if text is None:
            return
        try:
            template = text.content.decode()
        except UnicodeDecodeError:
            self.found.errors.append(Located(text.source, Problem("", "not UTF-8 text")))
            return
        self._read.add(_stem(asked.file))
        used = set(placeholders(template))
        for instance in asked.instances:
            if instance.values and not any(key in template for key in instance.values):
                known = ", ".join(sorted(instance.values))
                self._warn(source, asked.where, f"none of {known} is in {asked.file}; not expanded")
                return
            grown = sum(template.count(key) * len(value) for key, value in instance.values.items())
            self._bytes += len(template) + grown
            if self._bytes > MAX_BYTES:
                problem = Problem("", f"templates expand to more than {MAX_BYTES >> 20} MiB")
                self.found.errors.append(Located(text.source, problem))
                return
            self._expand(asked, instance, text, template, depth)
        for left in sorted(used - set(asked.instances[0].values) if asked.instances else set()):
            self._warn(source, asked.where, f"{left} of {asked.file} is replaced by nothing")

    def _expand(self, asked: Asked, instance: Instance, text: Text, template: str, depth: int) -> None:
        filled = fill_json(template, instance.values).encode()
        made = self._document(Text(f"{text.name} as {instance.name}", text.source, filled))
        if made is None:
            return
        if asked.by_list:
            name = f"{_stem(asked.file)}_{instance.name}"
            made = made.known_as(name, instance.belonging, _fingerprint(text))
        self.add(made, depth + 1)

    def _take_server(self, asked: Asked, source: str) -> None:
        text = self._find(asked.file, source, asked.where)
        if text is None:
            return
        try:
            tables = server_tables(parse(text.content))
        except ValueError as error:
            self._warn(text.source, "", str(error))
            return
        self._read.add(_stem(asked.file))
        self.found.documents.append(Document(text.name, text.source, tuple(tables.items())))

    # -- files -----------------------------------------------------------------------------------------------------

    def _find(self, name: str, source: str, where: str = "") -> Text | None:
        try:
            return self._shelf.find(name)
        except LookupError as error:
            self._warn(source, where, str(error.args[0]))
        except ConfigurationError as error:
            self.found.errors += [Located(error.source, problem) for problem in error.problems]
        return None

    def _document(self, text: Text) -> Document | None:
        try:
            content = parse(text.content)
            if is_modbus_file(content):
                return Document(text.name, text.source, (), is_modbus=True)
            return document(text.name, text.source, content)
        except ValueError as error:
            where, colon, reason = str(error).partition(": ")
            problem = (
                Problem(where, reason) if colon and where.startswith(("line ", "byte ")) else Problem("", str(error))
            )
            self.found.errors.append(Located(text.source, problem))
            return None

    def _asked_for(self, documents: Iterator[Document]) -> Iterator[str]:
        """Yield what is not read by itself in a folder: templates, and what lists put in their own order."""
        for made in documents:
            for one in asked_by(made):
                if isinstance(one, Mistake) or one.expected:
                    continue
                if one.kind is Kind.LIST:
                    yield from self._files_of(one)
                else:
                    yield _stem(one.file)

    def _files_of(self, asked: Asked) -> Iterator[str]:
        definition = self.lists.get(asked.file)
        # Where a list stands twice in a file, the later one counts.
        for entry in read_list(asked.where, definition) if isinstance(definition, dict) else ():
            if isinstance(entry, Asked) and not (entry.kind is Kind.LIST and entry.file in self.lists):
                yield _stem(entry.file)

    def _is_left_out(self, made: Document) -> bool:
        """Tell whether a file is of a kind that is read only where it is asked for, and say so."""
        found = placeholders("\n".join(table for table, _ in made.tables))
        if found:
            self._warn(made.source, "", f"a template ({', '.join(found)}) that nothing asks for; not read")
        elif made.is_modbus:
            self._warn(made.source, "", "a Modbus file that nothing asks for; not read")
        return bool(found) or made.is_modbus

    def _warn(self, source: str, where: str, message: str) -> None:
        self.found.warnings.append(Located(source, Problem(where, message)))


def _stem(name: str) -> str:
    return name.removesuffix(".json")


def _fingerprint(text: Text) -> str:
    return hashlib.md5(text.content, usedforsecurity=False).hexdigest()
