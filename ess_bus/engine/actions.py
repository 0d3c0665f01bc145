"""Actions: what follows when a variable is set. So far ``remap`` (engine.md 2.6); others are named and left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ess_bus.engine.numbers import number
from ess_bus.reference import Reference

# How closely a number must match `inValue`.
MATCH_TOLERANCE: Final = 0.001
# `bit` says nothing in a remap, nor `amap` where no function is named; `debug` only traces.
_REMAP_KEYS: Final = frozenset({"uri", "var", "inValue", "outValue", "scale", "offset", "bit", "amap", "debug", "note"})


# A remap without `inValue` or `outValue`; null is a value of theirs.
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Remap:
    """One item of a ``remap``, read once: variables are set far more often than their actions.

    Attributes:
        target: what is set.
        in_value: the value that it follows from; any value if absent.
        out_value: what the target is set to; the source's value if absent.
        scale: a copied number is multiplied by it,
        offset: and this is subtracted then.
    """

    target: Reference
    in_value: Any = _ABSENT
    out_value: Any = _ABSENT
    scale: float = 1
    offset: float = 0

    def applies_to(self, value: Any) -> bool:
        """Tell whether anything follows from `value`; from one that is not valid it always does."""
        return value is None or self.in_value is _ABSENT or _matches(value, self.in_value)

    def output(self, value: Any) -> Any:
        """Return what the target is set to; what depends on a value that is not valid is not valid either."""
        if value is None:
            return None
        if self.out_value is not _ABSENT:
            return self.out_value
        return number(value * self.scale - self.offset) if _is_number(value) else value


def compiled(actions: dict[str, Any]) -> tuple[Remap, ...]:
    """Return what of a variable's actions is carried out, in order; `problems` names the rest.

    An item of which only a part is understood is left out: it could do the opposite of what was meant.
    """
    return tuple(
        Remap(
            _target(item),
            item.get("inValue", _ABSENT),
            item.get("outValue", _ABSENT),
            item.get("scale", 1),
            item.get("offset", 0),
        )
        for item in _items(actions)
        if _objection(item) is None
    )


def targets(remaps: Iterable[Remap], value: Any) -> Iterator[tuple[Reference, Any]]:
    """Yield what setting a variable to `value` sets in turn (``None`` is a value that is not valid)."""
    for remap in remaps:
        if remap.applies_to(value):
            yield remap.target, remap.output(value)


def problems(actions: dict[str, Any]) -> Iterator[str]:
    """Yield what of a variable's actions is not carried out, and why."""
    for event, blocks in actions.items():
        if event != "onSet" or not isinstance(blocks, list):
            yield f"{event}: expected onSet with a list of actions; left out"
            continue
        for block in blocks:
            if not isinstance(block, dict):
                yield 'onSet: expected objects such as {"remap": [...]}; left out'
                continue
            for name, items in block.items():
                if name != "remap" or not isinstance(items, list):
                    yield f"{name}: this action is not carried out yet; left out"
                    continue
                yield from (f"remap: {reason}; left out" for item in items if (reason := _objection(item)))


def _items(actions: dict[str, Any]) -> Iterator[Any]:
    blocks = actions.get("onSet")
    for block in blocks if isinstance(blocks, list) else ():
        items = block.get("remap") if isinstance(block, dict) else None
        yield from items if isinstance(items, list) else ()


def _objection(item: Any) -> str | None:
    if not isinstance(item, dict):
        return f"expected an object, got {str(item)[:40]!r}"
    unknown = sorted(item.keys() - _REMAP_KEYS)
    if unknown:
        return f"{', '.join(unknown)} not supported yet"
    if not all(_is_number(item.get(key, 0)) for key in ("scale", "offset")):
        return "scale and offset must be numbers"
    try:
        _target(item)
    except ValueError as error:
        return str(error)
    return None


def _target(item: dict[str, Any]) -> Reference:
    uri, name = item.get("uri"), item.get("var")
    if not isinstance(uri, str) or not isinstance(name, str | None):
        raise ValueError("uri and var must be texts")
    if "[" in uri:
        raise ValueError(f"{uri}: bits are not supported yet")
    return Reference.parse(uri if name is None or ":" in uri else f"{uri}:{name}")


def _matches(value: Any, wanted: Any) -> bool:
    if _is_number(value) and _is_number(wanted):
        return bool(abs(value - wanted) <= MATCH_TOLERANCE)
    return type(value) is type(wanted) and bool(value == wanted)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
