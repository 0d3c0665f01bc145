"""Tables of JSON Schemas: a heading and a table of its keys for each object."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.reference.described import attributes, plain, table, words

_REF: Final = "#/$defs/"
_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}


def sections(schema: Mapping[str, Any], *, without: frozenset[str] = frozenset()) -> str:
    """Return all objects of a schema, from the file inwards.

    Args:
        schema: as pydantic makes it.
        without: keys of the file that are told elsewhere.
    """
    objects = dict(_objects(schema))
    parts = []
    for name, one in objects.items():
        told = str(one.get("description", ""))
        keys = "\n\n" + table(("key", "is", "default", "means"), _rows(one, without)) if one["properties"] else ""
        parts.append(f"**{_title(name)}.** {words(told)}{keys}")
    return "\n\n".join(parts)


def _objects(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the objects of a schema in the order in which they are first used."""
    known = schema.get("$defs", {})
    waiting = ["File"] if "properties" in schema else [_name(one) for one in schema["anyOf"]]
    seen: list[str] = []
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.append(name)
        one = schema if name == "File" else known[name]
        if "properties" not in one:
            continue
        yield name, one
        waiting += re.findall(rf'"{re.escape(_REF)}(\w+)"', json.dumps(one["properties"]))


def _rows(one: Mapping[str, Any], without: frozenset[str]) -> Iterator[tuple[str, ...]]:
    told = attributes(str(one.get("description", "")))
    # In Python, `register` would hide what every class of pydantic has.
    told = {**told, "register": told["register_id"]} if "register_id" in told else told
    required = one.get("required", ())
    for key, value in one["properties"].items():
        if key in without:
            continue
        words_of_key = value.get("description") or told.get(key) or told.get(_attribute(key)) or ""
        yield f"`{key}`", _kind(value), _default(value, key in required), plain(words_of_key)


def _attribute(key: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", key)


def _kind(value: Mapping[str, Any]) -> str:
    if "$ref" in value:
        return f"*{_title(_name(value))}*"
    if "const" in value:
        return f"`{_json(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{_json(one)}`" for one in value["enum"] if one is not None)
    choices = [one for one in value.get("anyOf", value.get("oneOf", ())) if one.get("type") != "null"]
    if choices:
        kinds = list(dict.fromkeys(map(_kind, choices)))
        # A whole number is a number, too.
        return " or ".join(kind for kind in kinds if kind != "whole number" or "number" not in kinds)
    kind = value.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(_TYPES[one] for one in kind if one != "null")
    return f"{_TYPES.get(kind, kind)}{_inside(kind, value)}{_range(value)}"


def _inside(kind: str, value: Mapping[str, Any]) -> str:
    inner = value.get("items" if kind == "array" else "additionalProperties")
    return f" of {_kind(inner)}" if isinstance(inner, dict) and inner else ""


def _range(value: Mapping[str, Any]) -> str:
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        return f", {low} to {high}"
    if "exclusiveMinimum" in value:
        return f", more than {value['exclusiveMinimum']}" + (f", at most {high}" if high is not None else "")
    return f", at least {low}" if low is not None else f", at most {high}" if high is not None else ""


def _default(value: Mapping[str, Any], required: bool) -> str:
    if required:
        return "**needed**"
    default = value.get("default")
    is_empty = default in (None, "", [], {}) or (isinstance(default, dict) and set(default.values()) == {None})
    return "" if is_empty else f"`{_json(default)}`"


def _name(value: Mapping[str, Any]) -> str:
    return str(value["$ref"]).removeprefix(_REF)


def _title(name: str) -> str:
    """Return the name of a class as words: ``_Process`` is ``Process``, ``ClientFile`` is ``Client file``."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f" {found[1].lower()}", name.strip("_"))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
