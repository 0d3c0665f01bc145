"""Actions: what follows when a variable is set. So far ``remap`` (engine.md 2.6); others are named and left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ess_bus.engine.variable import number
from ess_bus.reference import Reference

# How closely a number must match `inValue`.
MATCH_TOLERANCE: Final = 0.001
# `bit` says nothing in a remap, nor `amap` where no function is named; `debug` only traces.
_REMAP_KEYS: Final = frozenset({"uri", "var", "inValue", "outValue", "scale", "offset", "bit", "amap", "debug", "note"})


def targets(actions: dict[str, Any], value: Any) -> Iterator[tuple[Reference, Any]]:
    """Yield what setting a variable to `value` sets in turn, in the order of its ``onSet`` actions.

    Args:
        actions: a variable's actions, of which `problems` has reported what cannot be done.
        value: what the variable was set to; ``None`` (not valid) makes everything that depends on it not valid
            either, whatever its ``inValue`` and ``outValue``.
    """
    for item in _remaps(actions):
        if value is None:
            yield _target(item), None
            continue
        if "inValue" in item and not _matches(value, item["inValue"]):
            continue
        output = item.get("outValue", value)
        if output is value and not _is_number(value):
            yield _target(item), value
        elif output is value:
            yield _target(item), number(value * item.get("scale", 1) - item.get("offset", 0))
        else:
            yield _target(item), output


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


def _remaps(actions: dict[str, Any]) -> Iterator[dict[str, Any]]:
    blocks = actions.get("onSet")
    for block in blocks if isinstance(blocks, list) else ():
        items = block.get("remap") if isinstance(block, dict) else None
        for item in items if isinstance(items, list) else ():
            # An item of which only a part is understood could do the opposite of what was meant.
            if _objection(item) is None:
                yield item


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
