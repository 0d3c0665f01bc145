"""Lists of what to load: ``/config/load:<name>`` with ``new_options`` (engine.md 8.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ess_bus.tables.asked import Asked, Instance, Kind, Mistake, replacements, span
from ess_bus.tables.document import BELONGING, Belonging
from ess_bus.tables.placeholders import fill, numbered

_KINDS: Final = {"file": Kind.FILE, "load": Kind.LIST, "tmpl": Kind.TEMPLATE, "site": Kind.SERVER}


def read_list(where: str, definition: Mapping[str, Any]) -> Iterator[Asked | Mistake]:
    """Yield what a list asks for: its own ``file``, then its options in order, then ``final``."""
    belonging = _belonging(definition)
    if _is_name(definition.get("file")):
        yield Asked(Kind.FILE, definition["file"], where, belonging=belonging, by_list=True)
    options = definition.get("new_options", definition.get("options", []))
    if isinstance(options, list):
        for number, option in enumerate(options):
            yield _option(f"{where}@new_options[{number}]", option, belonging)
    else:
        yield Mistake(where, "new_options: expected a list")
    if _is_name(definition.get("final")):
        yield Asked(Kind.FILE, definition["final"], where, belonging=belonging, by_list=True)


def _option(where: str, option: Any, default: Belonging) -> Asked | Mistake:
    if not isinstance(option, dict):
        return Mistake(where, f"expected an object, got {str(option)[:40]!r}")
    kinds = [key for key in _KINDS if key in option]
    if len(kinds) != 1 or not _is_name(option[kinds[0]]):
        return Mistake(where, f"expected one of {', '.join(_KINDS)} with the name of a file or list")
    kind, file = _KINDS[kinds[0]], option[kinds[0]]
    belonging = _belonging(option).over(Belonging(default.asset, default.parent))
    if kind is not Kind.TEMPLATE:
        return Asked(kind, file, where, belonging=belonging, by_list=True)
    try:
        return Asked(kind, file, where, tuple(_instances(option, belonging)), belonging, by_list=True)
    except ValueError as error:
        return Mistake(where, str(error))


def _instances(option: Mapping[str, Any], belonging: Belonging) -> Iterator[Instance]:
    """Yield an instance for each number from ``from`` to ``to``; the n-th is number x ``mult`` + ``add``."""
    reps = option.get("reps", [])
    pattern = replacements(reps)
    for number in span(option):
        values = {
            one["replace"]: numbered(str(one["with"]), number * _factor(one, "mult", 1) + _factor(one, "add", 0))
            for one in reps
        }
        names = {attribute: _named(getattr(belonging, attribute), values, number) for attribute in BELONGING.values()}
        yield Instance(str(number), values if pattern else {}, Belonging(**names))


def _named(text: str | None, values: Mapping[str, str], number: int) -> str | None:
    return None if text is None else numbered(fill(text, values), number)


def _factor(given: Mapping[str, Any], key: str, default: int) -> int:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{key}: expected a whole number, got {str(value)[:40]!r}")
    return value


def _belonging(given: Mapping[str, Any]) -> Belonging:
    texts = {attribute: given.get(key) for key, attribute in BELONGING.items()}
    return Belonging(**{attribute: text for attribute, text in texts.items() if _is_name(text)})


def _is_name(given: Any) -> bool:
    return isinstance(given, str) and bool(given)
