"""The values in a message: what a table or a picture of a recording shows. No I/O."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ess_bus.message import Message
from ess_bus.uri import normal
from ess_bus.values import naked

# The largest integer that a float holds exactly, as all smaller ones.
_EXACT: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Sample:
    """One value.

    Attributes:
        variable: the URI of the variable.
        kind: ``number``, ``bool``, ``text``, ``null`` (not valid), ``json`` (a list), ``other`` (not JSON).
        number: a number, or 1 and 0 for a bool; else ``None``.
        text: a text, a list as JSON, a number that a float cannot hold; else ``None``.
    """

    variable: str
    kind: str
    number: float | None = None
    text: str | None = None


def samples(message: Message) -> Iterator[Sample]:
    """Yield the values that a message gives to variables.

    An object has a variable below the URI for each of its names, and so on; ``{"value": x, ...}`` is x.
    """
    base = "" if (uri := normal(message.uri)) == "/" else uri
    try:
        body = message.json()
    except ValueError:
        if message.body is not None:
            yield Sample(base or "/", "other", None, message.body.decode(errors="replace"))
        return
    yield from _below(base, body)


def _below(uri: str, value: Any) -> Iterator[Sample]:
    value = naked(value)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _below(f"{uri}/{name}", inner)
    else:
        yield _sample(uri or "/", value)


def _sample(variable: str, value: Any) -> Sample:
    match value:
        case None:
            return Sample(variable, "null")
        case bool():
            return Sample(variable, "bool", float(value))
        case int() | float():
            return Sample(variable, "number", float(value), str(value) if abs(value) > _EXACT else None)
        case str():
            return Sample(variable, "text", None, value)
    return Sample(variable, "json", None, orjson.dumps(value).decode())
