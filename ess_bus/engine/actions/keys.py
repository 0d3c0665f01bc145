"""The keys of an action's items: which action knows which, and what their values must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ess_bus.engine.actions.item import ABSENT, Action
from ess_bus.engine.numbers import is_number
from ess_bus.engine.target import BITS, Target
from ess_bus.hints import did_you_mean

# They say nothing, or trace only. `bit` says nothing in a remap or an enum, `amap` where no function is named.
_NOTES: Final = frozenset({"note", "notes", "desc", "comment", "debug"})
# Every action may name a target; where it sets none, that says nothing.
_IDLE_TARGET: Final = frozenset({"uri", "ruri", "var"})
_GATES: Final = frozenset({"enable", "enabled", "ifChanged", "inAv", "inAval"})
_COMPARED: Final = frozenset({"inValue", "inVar", "ignoreValue", "ignoreVar", "useRange", "inValue+", "inValue-"})
_TARGET: Final = frozenset({"uri", "ruri", "var", "useAv", "useSet", "fims", "replyto", "mode"})
_OUTPUT: Final = frozenset({"outValue", "outVar", "outNValue", "outNVar", "outTime"})
_FUNCTION: Final = frozenset({"func", "amap"})
_MASKED: Final = frozenset({"bit", "mask", "shift"})
_DEFAULT: Final = frozenset({"defUri", "defVal", "defaultUri", "defaultVar", "defaultVal"})
_METHODS: Final = ("set", "pub", "get")
_SCALED: Final = frozenset({"scale", "offset"})
_USUAL: Final = _NOTES | _GATES | _COMPARED | _TARGET | _OUTPUT | _SCALED

# How files of the original spell keys beside their usual names, where that can mean one thing only.
_SPELLINGS: Final = {"invalue": "inValue", "Av": "inAv"}

KNOWN: Final = {
    Action.REMAP: _USUAL | _FUNCTION | _MASKED,
    Action.ENUM: _USUAL | _FUNCTION | _MASKED | _DEFAULT,
    Action.BITFIELD: _USUAL | _MASKED,
    Action.BITSET: _USUAL | {"bit", "soloBit", "amap"},
    Action.LIMITS: _NOTES | _GATES | _IDLE_TARGET | {"low", "high", "lowVar", "highVar", "amap"},
    Action.FUNC: _NOTES | _GATES | _COMPARED | _FUNCTION | _IDLE_TARGET | {"aname"},
}


def usual(action: Action, item: dict[str, Any]) -> dict[str, Any]:
    """Return an item with the usual names of its keys.

    ``value`` is the output of an item that says when it applies: a bit, or what is compared.

    Raises:
        ValueError: a key stands there by two names, or nothing says what a ``value`` is for.
    """
    named = {key: _SPELLINGS[key] for key in item if key in _SPELLINGS}
    if "value" in item and action is not Action.FUNC and action is not Action.LIMITS:
        if not _has_condition(action, item):
            raise ValueError("value: nothing says for which input (expected inValue or inVar); use outValue")
        named["value"] = "outValue"
    for key, name in named.items():
        if name in item:
            raise ValueError(f"{key} and {name} mean the same; expected one of them")
    return {named.get(key, key): value for key, value in item.items()} if named else item


def _has_condition(action: Action, item: dict[str, Any]) -> bool:
    return action in (Action.BITFIELD, Action.BITSET) or not {"inValue", "invalue", "inVar"}.isdisjoint(item)


def unknown_keys(action: Action, item: dict[str, Any]) -> str | None:
    """Return a text that names the keys that `action` does not know, or ``None``."""
    unknown = sorted(item.keys() - KNOWN[action])
    if not unknown:
        return None
    return f"{', '.join(unknown)} not supported{did_you_mean(unknown[0], KNOWN[action])}"


class Keys:
    """Reads the keys of one item; every method raises ValueError where a value is not what its key needs."""

    def __init__(self, item: dict[str, Any]) -> None:
        self._item = item

    def has(self, *keys: str) -> bool:
        """Tell whether any of these keys is there."""
        return any(key in self._item for key in keys)

    def any(self, *keys: str) -> Any:
        """Return the value of the first of these keys that is there, else `ABSENT`."""
        return next((self._item[key] for key in keys if key in self._item), ABSENT)

    def text(self, key: str) -> str | None:
        """Return a text."""
        found: str | None = self._checked(key, None, lambda value: isinstance(value, str) and bool(value), "a text")
        return found

    def flag(self, key: str, default: bool = False) -> bool:
        """Return a bool; 1 and 0 will do."""
        return bool(self._checked(key, default, lambda value: value in (0, 1), "true or false"))

    def number(self, key: str, default: float | None) -> Any:
        """Return a number."""
        return self._checked(key, default, is_number, "a number")

    def bits(self, key: str, highest: int) -> int:
        """Return a whole number from 0 to `highest`."""
        found = self._checked(
            key, 0, lambda value: is_number(value) and value == int(value), f"a whole number from 0 to {highest}"
        )
        if not 0 <= found <= highest:
            raise ValueError(f"{key}: expected a whole number from 0 to {highest}, got {str(found)[:40]}")
        return int(found)

    def place(self, *keys: str) -> Target | None:
        """Return where something is read."""
        key = next((key for key in keys if key in self._item), None)
        if key is None:
            return None
        return Target.parse(self._checked(key, None, lambda value: isinstance(value, str), "/table:name"))

    def switch(self) -> bool | Target | None:
        """Return ``enable``: a bool, or where one is."""
        given = self._item.get("enable")
        return self.place("enable") if isinstance(given, str) else self.flag("enable") if given is not None else None

    def target(self) -> Target | None:
        """Return what is set: ``uri`` or ``ruri``, with ``var`` if it names a table only."""
        given = self.text("uri") if self.has("uri") else self.text("ruri")
        name = self.text("var")
        if given is None:
            return None
        return Target.parse(given if name is None or ":" in given else f"{given}:{name}")

    def method(self) -> str | None:
        """Return ``fims``."""
        found: str | None = self._checked("fims", None, lambda value: value in _METHODS, "set, pub or get")
        return found

    def _checked(self, key: str, default: Any, fits: Callable[[Any], bool], expected: str) -> Any:
        value = self._item.get(key, default)
        if key in self._item and not fits(value):
            raise ValueError(f"{key}: expected {expected}, got {str(value)[:40]!r}")
        return value


HIGHEST_BIT: Final = BITS - 1
HIGHEST_WORD: Final = 2**BITS - 1
