"""The parts of the reference: each a text made of the models, tables and registries that the programs work by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from ess_bus.broker import rules
from ess_bus.engine.actions.keys import KNOWN
from ess_bus.engine.functions.registry import known
from ess_bus.engine.states.model import Option
from ess_bus.engine.states.plan import TABLES
from modbus_bridge.config.schema import client_schema, server_schema
from tools.ess_site import site_file
from tools.reference.described import attributes, table, words
from tools.reference.objects import sections
from tools.twins.kinds import ASSET_TYPES, KINDS, RACK, RACKS
from tools.twins.models.model import Model
from tools.twins.reading import Document

_KINDS: Final = {"float": "number", "int": "whole number", "bool": "true or false", "str": "text"}


def twins() -> str:
    """Return what a plant's file may hold, without its components."""
    return sections(Document.model_json_schema(), without=frozenset(KINDS))


def components() -> str:
    """Return the fields of all components of a plant; first those that all of them have."""
    common = set.intersection(*(set(model.specs()) for model in KINDS.values()))
    some = next(iter(KINDS.values()))
    parts = ["**All components**", _fields(some, lambda name: name in common)]
    types = {kind: name for name, kind in ASSET_TYPES.items()}
    for kind, model in {**KINDS, RACKS: RACK}.items():
        where = f"`asset_type` {types[kind]}" if kind in types else "inside an entry of `bms`"
        parts.append(f"**`{kind}`** ({where}). {words(model.__doc__ or '')}")
        parts.append(_fields(model, lambda name: name not in common))
    return "\n\n".join(parts)


def states() -> str:
    """Return the options of the state machines."""
    parts = []
    for machine in TABLES.values():
        rows = ((f"`{name}`", _option(one), _shown(one.default), one.words) for name, one in machine.options.items())
        parts.append(f"**`/states/<{machine.kind}>`**\n\n" + table(("option", "is", "default", "means"), rows))
    return "\n\n".join(parts)


def actions() -> str:
    """Return which action knows which key."""
    keys = sorted({key for known_keys in KNOWN.values() for key in known_keys})
    rows = ((f"`{key}`", *("x" if key in found else "" for found in KNOWN.values())) for key in keys)
    return table(("key", *(f"`{action}`" for action in KNOWN)), rows)


def functions() -> str:
    """Return the functions that actions may call."""
    return table(("function", "does"), ((f"`{name}`", words(text)) for name, text in known().items()))


PARTS: Final[Mapping[str, Callable[[], str]]] = {
    "site": lambda: sections(site_file.schema()),
    "rules": lambda: sections(rules.schema()),
    "client": lambda: sections(client_schema()),
    "server": lambda: sections(server_schema()),
    "twins": twins,
    "components": components,
    "states": states,
    "actions": actions,
    "functions": functions,
}


def _fields(model: type[Model], wanted: Callable[[str], bool]) -> str:
    return table(("field", "is", "default", "means"), _field_rows(model, wanted))


def _field_rows(model: type[Model], wanted: Callable[[str], bool]) -> Iterator[tuple[str, ...]]:
    defaults = {one.name: one.default for one in dataclasses.fields(model)}
    told: dict[str, str] = {}
    for base in reversed(model.__mro__):
        told |= attributes(base.__doc__ or "")
    for name, spec in model.specs().items():
        measured, _, part = spec.attribute.partition(".")
        # The page says once what is beside the value of every measurement.
        if not wanted(name) or part not in ("", "value"):
            continue
        default = "" if part else defaults[spec.attribute]
        shown = "" if default is dataclasses.MISSING or default == "" else f"`{_shown(default)}`"
        yield (
            f"`{name}`",
            _KINDS[spec.kind] + _range(spec.low, spec.high),
            shown,
            "a measurement" if part else told.get(measured, ""),
        )


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f", {low:g} to {high:g}"
    return f", at least {low:g}" if low is not None else f", at most {high:g}" if high is not None else ""


def _option(one: Option) -> str:
    if isinstance(one.default, bool):
        return "true or false"
    if isinstance(one.default, str):
        return ", ".join(f"`{choice}`" for choice in one.choices) or "text"
    return f"number{_range(one.low, one.high)}"


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
