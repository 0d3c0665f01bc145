"""A small JSON Schema validator for the tests: the keywords that pydantic writes, and an error for any other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

_TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}
_SILENT = {"$schema", "$defs", "title", "description", "default", "examples"}


def violations(document: Any, schema: dict[str, Any]) -> list[str]:
    """Return where a document, or a file with one, does not follow a schema."""
    if isinstance(document, Path):
        document = orjson.loads(document.read_bytes())
    return list(_check(document, schema, schema, ""))


def _check(value: Any, schema: dict[str, Any], root: dict[str, Any], where: str) -> Iterator[str]:
    for keyword, wanted in schema.items():
        if keyword not in _SILENT:
            yield from _CHECKS[keyword](value, wanted, root, where)


def _any_of(value: Any, wanted: Any, root: Any, where: str) -> Iterator[str]:
    found = [list(_check(value, one, root, where)) for one in wanted]
    if all(found):
        yield min(found, key=len)[0]


def _properties(value: Any, wanted: Any, root: Any, where: str) -> Iterator[str]:
    for key in wanted.keys() & value.keys() if isinstance(value, dict) else ():
        yield from _check(value[key], wanted[key], root, f"{where}.{key}")


def _more(value: Any, wanted: Any, root: Any, where: str) -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) and isinstance(wanted, dict) else ():
        yield from _check(inner, wanted, root, f"{where}.{key}")


def _items(value: Any, wanted: Any, root: Any, where: str) -> Iterator[str]:
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from _check(item, wanted, root, f"{where}.{index}")


def _ref(value: Any, wanted: str, root: Any, where: str) -> Iterator[str]:
    yield from _check(value, root["$defs"][wanted.removeprefix("#/$defs/")], root, where)


def _true(test: Any) -> Any:
    def check(value: Any, wanted: Any, _root: Any, where: str) -> Iterator[str]:
        if not test(value, wanted):
            yield f"{where}: {value!r:.60} for {wanted!r:.60}"

    return check


def _is_number(value: Any) -> bool:
    return _TYPES["number"](value)


def _is_type(value: Any, wanted: Any) -> bool:
    return any(_TYPES[name](value) for name in (wanted if isinstance(wanted, list) else [wanted]))


_CHECKS = {
    "$ref": _ref,
    "anyOf": _any_of,
    "properties": _properties,
    "additionalProperties": _more,
    "items": _items,
    "type": _true(_is_type),
    "enum": _true(lambda value, wanted: value in wanted),
    "const": _true(lambda value, wanted: value == wanted),
    "required": _true(lambda value, wanted: not isinstance(value, dict) or all(key in value for key in wanted)),
    "pattern": _true(lambda value, wanted: not isinstance(value, str) or re.search(wanted, value) is not None),
    "minimum": _true(lambda value, wanted: not _is_number(value) or value >= wanted),
    "maximum": _true(lambda value, wanted: not _is_number(value) or value <= wanted),
    "exclusiveMinimum": _true(lambda value, wanted: not _is_number(value) or value > wanted),
    "minItems": _true(lambda value, wanted: not isinstance(value, list) or len(value) >= wanted),
    "minLength": _true(lambda value, wanted: not isinstance(value, str) or len(value) >= wanted),
    "maxLength": _true(lambda value, wanted: not isinstance(value, str) or len(value) <= wanted),
}
