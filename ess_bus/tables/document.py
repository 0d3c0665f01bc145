"""`Document`: the tables of one file, or of one message that brings a configuration (engine.md 8.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from ess_bus.errors import Problem
from ess_bus.tables.parsing import pairs, repeated

# The map's table of what has been loaded by name.
LOADED: Final = "/config/cfile"


@dataclass(frozen=True, slots=True)
class Belonging:
    """Whose configuration a document is.

    Attributes:
        asset: the asset that asked for it.
        parent: the manager above the one that it configures.
        manager: the manager that it configures.
        instance: the instance of that manager that it configures.
    """

    asset: str | None = None
    parent: str | None = None
    manager: str | None = None
    instance: str | None = None

    def over(self, other: Belonging) -> Belonging:
        """Return this, completed by another one."""
        return Belonging(
            self.asset or other.asset,
            self.parent or other.parent,
            self.manager or other.manager,
            self.instance or other.instance,
        )

    def shown(self) -> dict[str, str]:
        """Return it with the keys of files."""
        named = {key: getattr(self, attribute) for key, attribute in BELONGING.items()}
        return {key: value for key, value in named.items() if value}


NOBODY: Final = Belonging()
# Key of a document -> attribute of its `Belonging`.
BELONGING: Final = {"aname": "asset", "pname": "parent", "amname": "manager", "ainame": "instance"}


@dataclass(frozen=True, slots=True)
class Document:
    """One file, decoded.

    Attributes:
        name: what it is called where it is asked for; of an expanded template with its instance.
        source: where it came from, for messages.
        tables: URI -> members in the order of the text, whatever these are; a table may stand twice.
        belonging: whose configuration it is.
        strange: keys of its top level that are nothing of this.
        warnings: what else is remarkable.
        is_dump: it is what an engine has written of its map: all that it asks for is in it.
        is_modbus: it is a Modbus client's or server's and has no tables.
    """

    name: str
    source: str
    tables: tuple[tuple[str, Any], ...]
    belonging: Belonging = NOBODY
    strange: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    is_dump: bool = False
    is_modbus: bool = False

    def known_as(self, name: str, belonging: Belonging, fingerprint: str) -> Document:
        """Return it with a line in the table of what has been loaded."""
        full = belonging.over(self.belonging)
        entry = {"value": True, "md5sum": fingerprint, **full.shown()}
        return replace(self, belonging=full, tables=(*self.tables, (LOADED, {name: entry})))


def document(name: str, source: str, content: Any) -> Document:
    """Take the content of a file apart.

    ``#status#bms`` is ``/status/bms`` (databases allow no other names), what begins with ``_`` belongs to a database.

    Raises:
        ValueError: it is no object of tables.
    """
    if not isinstance(content, dict):
        raise ValueError('expected an object of tables such as {"/status/bms": {...}}')
    tables: list[tuple[str, Any]] = []
    strange: list[str] = []
    belonging: dict[str, str] = {}
    for key, value in pairs(content):
        if key.startswith(("/", "#")):
            tables.append((key.replace("#", "/") if key.startswith("#") else key, value))
        elif key in BELONGING and isinstance(value, str):
            belonging[BELONGING[key]] = value
        elif not key.startswith("_"):
            strange.append(key)
    warnings = [Problem(key, "the table stands more than once; all of it is read") for key in repeated(content)]
    for table, members in tables:
        warnings += _repeated_below(table, members, 0)
    whose = Belonging(**belonging)
    is_dump = content.get("_dump") is True
    return Document(name, source, tuple(tables), whose, tuple(strange), tuple(warnings), is_dump)


def _repeated_below(place: str, found: Any, level: int) -> Iterator[Problem]:
    if isinstance(found, dict):
        for name in repeated(found):
            text = "defined more than once; the later definition counts" if level == 0 else "stands more than once"
            yield Problem(f"{place}:{name}", text)
        for name, inner in found.items():
            yield from _repeated_below(f"{place}:{name}", inner, level + 1)
    elif isinstance(found, list):
        for inner in found:
            yield from _repeated_below(place, inner, level + 1)
