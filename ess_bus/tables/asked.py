"""What a document asks for: files of managers, expanded templates, lists, Modbus server files (engine.md 8.2).

::

    "/config/ess/managers": {"bms": "bms_manager.json"}
    "/sysconfig/default": {"Config": "site.json"}
    "/templates/bms": {"sbmu_1": {"template": "bms_template.json", "subs": [{"replace": "@@ID@@", "with": "sbmu_1"}]}}
    "/config/bms": {"template": {"value": true, "src": "file:t.json", "from": 1, "to": 9, "options": [{...}]}}
    "/config/ess_server": {"ess": "site_server.json"}
    "/config/load": {"bms": {"value": false, "new_options": [{"file": ...}, {"tmpl": ...}, {"load": ...}]}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ess_bus.tables.document import NOBODY, Belonging, Document
from ess_bus.tables.parsing import pairs
from ess_bus.tables.placeholders import is_numbered, numbered
from ess_bus.uri import segments

LISTS: Final = "/config/load"
# A site has hundreds of racks at most.
MAX_INSTANCES: Final = 1000


class Kind(StrEnum):
    """What is asked for."""

    FILE = "file"
    TEMPLATE = "template"
    LIST = "list"
    SERVER = "Modbus server file"


@dataclass(frozen=True, slots=True)
class Instance:
    """One use of a template.

    Attributes:
        name: tells it from the others in messages.
        values: placeholder -> what is put in its place.
        belonging: whose configuration it is.
    """

    name: str
    values: Mapping[str, str]
    belonging: Belonging = NOBODY


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that is asked for.

    Attributes:
        kind, file: what; the name of a list if that is the kind.
        where: the place that asks.
        instances: of a template.
        belonging: whose configuration it is.
        by_list: a list asks: what it loads is kept in the table of what has been loaded.
        expected: whether it is loaded anyway where all files of a folder are.
    """

    kind: Kind
    file: str
    where: str
    instances: tuple[Instance, ...] = ()
    belonging: Belonging = NOBODY
    by_list: bool = False
    expected: bool = False


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that cannot be what was meant."""

    where: str
    message: str


def asked_by(document: Document) -> Iterator[Asked | Mistake]:
    """Yield what a document asks for, in its order; not what its lists ask for in turn."""
    if document.is_dump:
        return
    for table, members in document.tables:
        if isinstance(members, dict):
            for name, entry in pairs(members):
                yield from _asked(segments(table), f"{table}:{name}", name, entry)


def _asked(table: tuple[str, ...], where: str, name: str, entry: Any) -> Iterator[Asked | Mistake]:
    if isinstance(entry, dict) and entry.keys() == {"value"}:
        entry = entry["value"]
    match table:
        case ("sysconfig", "default") if name == "Config" and isinstance(entry, str):
            yield Asked(Kind.FILE, entry, where, expected=True)
        case ("config", _, "managers") if isinstance(entry, str) and not name.startswith("note"):
            yield Asked(Kind.FILE, entry, where, belonging=Belonging(table[1], table[1], name), expected=True)
        case ("config", "load"):
            if isinstance(entry, dict) and entry.get("value") is not True:
                yield Asked(Kind.LIST, name, where)
        case ("config", server) if server.endswith("_server") and isinstance(entry, str):
            if not name.startswith("note"):
                yield Asked(Kind.SERVER, entry, where)
        case ("config", manager) if name == "template" and isinstance(entry, dict) and "src" in entry:
            yield from _ranged(manager, where, entry)
        case ("templates", manager) if isinstance(entry, dict):
            yield from _listed(manager, where, name, entry)


def _listed(manager: str, where: str, name: str, entry: Mapping[str, Any]) -> Iterator[Asked | Mistake]:
    """Read an entry of ``/templates/<manager>``."""
    file, subs = entry.get("template"), entry.get("subs", [])
    if not isinstance(file, str):
        yield Mistake(where, "expected template with the name of a file")
        return
    try:
        pattern = replacements(subs)
        numbers = next((span(one) for one in subs if "from" in one and is_numbered(str(one["with"]))), None)
    except ValueError as error:
        yield Mistake(where, f"subs: {error}")
        return
    # Without a place for the number, `from` and `to` are left over from another way to write it.
    instances = [Instance(name, pattern)] if numbers is None else instances_of(name, pattern, numbers)
    yield Asked(Kind.TEMPLATE, file, where, tuple(instances), Belonging(manager, manager))


def _ranged(manager: str, where: str, entry: Mapping[str, Any]) -> Iterator[Asked | Mistake]:
    """Read ``template`` of ``/config/<manager>``."""
    if entry.get("value") in (False, 0, None):
        return
    source = entry["src"]
    if not isinstance(source, str) or not source.startswith("file:"):
        yield Mistake(where, f"src: expected file:NAME, got {str(source)[:40]!r}")
        return
    try:
        instances = instances_of(manager, replacements(entry.get("options", [])), span(entry))
    except ValueError as error:
        yield Mistake(where, str(error))
        return
    yield Asked(Kind.TEMPLATE, source.removeprefix("file:"), where, tuple(instances), Belonging(manager, manager))


def replacements(given: Any) -> dict[str, str]:
    """Return placeholder -> what is put in its place, of ``[{"replace": ..., "with": ...}]``.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(given, list):
        raise ValueError(f"expected a list, got {str(given)[:40]!r}")
    found: dict[str, str] = {}
    for one in given:
        if not isinstance(one, dict) or not isinstance(one.get("replace"), str) or not one["replace"]:
            raise ValueError(f"expected objects with replace and with, got {str(one)[:60]!r}")
        value = one.get("with")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError(f"{one['replace']}: with: expected a text or a number, got {str(value)[:40]!r}")
        found[one["replace"]] = str(value)
    return found


def span(given: Mapping[str, Any]) -> range:
    """Return the numbers of ``from``, ``to`` and ``step`` (or ``skip``).

    Raises:
        ValueError: they are no whole numbers, or too many.
    """
    start = _whole(given, "from", 1)
    end = _whole(given, "to", start)
    step = _whole(given, "step", _whole(given, "skip", 1))
    if start < 0 or step < 1 or end < start:
        raise ValueError(f"from {start} to {end}, step {step}: expected numbers that count up")
    numbers = range(start, end + 1, step)
    if len(numbers) > MAX_INSTANCES:
        raise ValueError(f"from {start} to {end}: more than {MAX_INSTANCES} instances")
    return numbers


def instances_of(name: str, pattern: Mapping[str, str], numbers: range) -> list[Instance]:
    """Return an instance for each number, with that number where the values have a place for one."""
    return [
        Instance(f"{name} {number}", {key: numbered(value, number) for key, value in pattern.items()})
        for number in numbers
    ]


def _whole(given: Mapping[str, Any], key: str, default: int) -> int:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise ValueError(f"{key}: expected a whole number, got {str(value)[:40]!r}")
    return int(value)
