"""Bodies of sets: what they say, without a key that stands twice, and how large ones are read."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ess_bus.engine.datamap import DataMap
from ess_bus.message import Message
from ess_bus.tables.parsing import parse, repeated

# A set that makes so many variables is a configuration.
MANY: Final = 1000
# To look for keys twice takes its time; people and scripts send less than this.
MAX_LOOKED_AT: Final = 2**20


def body_of(message: Message) -> Any:
    """Return what a set says.

    Raises:
        ValueError: it is not JSON, or a key stands twice in an object: one of its values would be lost.
    """
    value, text = message.json(), message.body or b""
    if message.method == "set" and len(text) <= MAX_LOOKED_AT and text.count(b'":') + text.count(b'" :') > _keys(value):
        # It may also be a text that looks like a key.
        twice = next(_repeated(parse(text)), None)
        if twice is not None:
            raise ValueError(f"{twice[:40]!r} stands more than once in an object")
    return value


@contextmanager
def without_collections(datamap: DataMap) -> Iterator[None]:
    """Look for no garbage: among the objects of thousands of new variables that takes longer than a period."""
    made = datamap.made
    gc.disable()
    try:
        yield
    finally:
        if datamap.made - made >= MANY:
            # They stay, and need never be looked at.
            gc.freeze()
        gc.enable()


def _keys(value: Any) -> int:
    """Return how many keys the objects of a value have."""
    count, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            count += len(one)
            waiting += [inner for inner in one.values() if isinstance(inner, dict | list)]
        elif isinstance(one, list):
            waiting += [inner for inner in one if isinstance(inner, dict | list)]
    return count


def _repeated(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from repeated(value)
        for inner in value.values():
            yield from _repeated(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _repeated(inner)
