"""JSON texts into values, without losing what stands twice in an object: files of real sites have that."""

from __future__ import annotations

import json
from typing import Any, Final

# As messages from the bus: nothing that means anything is deeper.
MAX_DEPTH: Final = 64
# With a sign, of every integer that is exact.
_DIGITS: Final = 18


class Repeating(dict[str, Any]):
    """An object in which a key stands more than once; as a dictionary it has the last value of each.

    Attributes:
        pairs: all of it, in the order of the text.
    """

    pairs: tuple[tuple[str, Any], ...] = ()


def parse(text: bytes) -> Any:
    """Return what a JSON text means.

    Raises:
        ValueError: it is not JSON; the text begins with line and column.
    """
    try:
        found = json.loads(text.decode(), object_pairs_hook=_object, parse_constant=_no_number, parse_int=_integer)
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start}: not JSON: not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"line {error.lineno} column {error.colno}: not JSON: {error.msg.lower()}") from None
    except RecursionError:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels") from None
    if _is_deep(found, MAX_DEPTH):
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    return found


def pairs(found: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return the keys and values of an object, those that stand twice both times."""
    return found.pairs if isinstance(found, Repeating) else tuple(found.items())


def repeated(found: dict[str, Any]) -> list[str]:
    """Return the keys that stand more than once in an object, in their order."""
    if not isinstance(found, Repeating):
        return []
    names = [name for name, _ in found.pairs]
    return [name for name in found if names.count(name) > 1]


def _object(found: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(found)) == len(found):
        return dict(found)
    repeating = Repeating(found)
    repeating.pairs = tuple(found)
    return repeating


def _integer(text: str) -> int | float:
    """Return what messages on the bus can carry: an integer of 64 bits, or about as much."""
    return int(text) if len(text) <= _DIGITS else float(text)


def _no_number(text: str) -> Any:
    raise ValueError(f"not JSON: {text}")


def _is_deep(found: Any, levels: int) -> bool:
    if not isinstance(found, dict | list):
        return False
    inner = found.values() if isinstance(found, dict) else found
    return levels == 0 or any(_is_deep(one, levels - 1) for one in inner)
