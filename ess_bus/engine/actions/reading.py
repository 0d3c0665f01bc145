"""From the configured ``actions`` of a variable to the steps that are carried out, and what is wrong with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from ess_bus.engine.actions.item import ABSENT, Action, Condition, Item, Message, Output, Step
from ess_bus.engine.actions.keys import HIGHEST_BIT, HIGHEST_WORD, Keys, unknown_keys, usual
from ess_bus.engine.target import BITS
from ess_bus.hints import did_you_mean
from ess_bus.reference import Reference


class Problem(NamedTuple):
    """Something in the actions of a variable that is not carried out.

    Attributes:
        text: what and why.
        is_usual: the original takes it and does nothing either, and its configurations count on that; everything
            else is a mistake of whoever wrote it.
    """

    text: str
    is_usual: bool = False


class _SetsItself(ValueError):
    pass


def read(actions: dict[str, Any], place: Reference) -> tuple[tuple[Step, ...], list[Problem]]:
    """Return what of a variable's actions is carried out, in order, and what is not with its reason.

    An item of which only a part is understood is left out: it could do the opposite of what was meant.

    Args:
        actions: as configured.
        place: the variable's own; to set itself is a mistake.
    """
    steps: list[Step] = []
    problems: list[Problem] = []
    for name, items in _lists(actions, problems):
        action = _ACTIONS.get(name)
        if action is None:
            reason = _IDLE_ACTIONS.get(name, "there is no such action")
            hint = "" if name in _IDLE_ACTIONS else did_you_mean(name, _ACTIONS)
            problems.append(Problem(f"{name[:40]}: {reason}{hint}", name in _IDLE_ACTIONS))
            continue
        if not isinstance(items, list):
            problems.append(Problem(f"{name}: expected a list of items, got {_shape(items)}"))
            continue
        found: list[Item] = []
        for item in items:
            try:
                found.append(_item(action, item, place))
            except ValueError as error:
                problems.append(Problem(f"{name}: {error}", isinstance(error, _SetsItself)))
        if found:
            steps.append(Step(action, tuple(found)))
    return tuple(steps), problems


def _lists(actions: dict[str, Any], problems: list[Problem]) -> Iterator[tuple[str, Any]]:
    for event, blocks in actions.items():
        if event != "onSet" or not isinstance(blocks, list):
            text = f"{event[:40]}: expected onSet with a list of actions"
            problems.append(Problem(text, event in _IDLE_EVENTS))
            continue
        for block in blocks:
            if isinstance(block, dict):
                yield from block.items()
            else:
                problems.append(Problem('onSet: expected objects such as {"remap": [...]}'))


def _item(action: Action, given: Any, place: Reference) -> Item:
    if not isinstance(given, dict):
        raise ValueError(f"expected an object, got {str(given)[:40]!r}")
    given = usual(action, given)
    unknown = unknown_keys(action, given)
    if unknown is not None:
        raise ValueError(unknown)
    keys = Keys(given)
    item = Item(
        condition=_condition(action, keys),
        output=_output(keys),
        target=None if action in _WITHOUT_TARGET else keys.target(),
        message=_message(keys),
        direct=keys.flag("useAv") and not keys.flag("useSet"),
        forced=keys.flag("useSet"),
        bit=keys.bits("bit", BITS if action is Action.BITSET else HIGHEST_BIT) if action in _WITH_BIT else 0,
        solo=keys.flag("soloBit"),
        function=keys.text("func"),
        asset=keys.text("amap") or keys.text("aname"),
        low=keys.number("low", None),
        high=keys.number("high", None),
        low_at=keys.place("lowVar"),
        high_at=keys.place("highVar"),
        default=keys.place("defUri", "defaultUri"),
        default_value=keys.any("defVal", "defaultVal", "defaultVar"),
    )
    _complete(action, item, keys)
    if item.target is not None and item.target.place == place and not item.direct and item.message is None:
        raise _SetsItself(f"{place} sets itself; that takes useAv")
    # Functions use the data map, which reads actions.
    from ess_bus.engine import functions

    if item.function is not None and not functions.is_known(item.function):
        raise ValueError(f"the function {item.function} is not known{functions.why_not(item.function)}")
    return item


_WITH_BIT: Final = (Action.BITFIELD, Action.BITSET)
_WITHOUT_TARGET: Final = (Action.FUNC, Action.LIMITS)
_ACTIONS: Final = {action.value: action for action in Action}
# Actions are switched off by an x before their names.
_IDLE_ACTIONS: Final = {
    "bitmap": "this action is not carried out (the original's authors advise against it; enum does the same)",
    **{f"x{action}": "switched off by its x" for action in Action},
}
_IDLE_EVENTS: Final = frozenset({"onGet", "onPub"})


def _shape(given: Any) -> str:
    return f"an object of {', '.join(given)[:40]}" if isinstance(given, dict) and given else repr(given)[:40]


def _complete(action: Action, item: Item, keys: Keys) -> None:
    """Raise ValueError where an item lacks what its action cannot do without, or says what cannot be."""
    if action is Action.FUNC and item.function is None:
        raise ValueError("expected func with the name of a function")
    if action is Action.LIMITS:
        if not keys.has("low", "high", "lowVar", "highVar"):
            raise ValueError("expected low, high, lowVar or highVar")
        if item.low is not None and item.high is not None and item.low > item.high:
            raise ValueError(f"low {item.low} is above high {item.high}")
    elif action is not Action.FUNC and item.target is None and item.function is None:
        raise ValueError("expected uri with /table:name")
    if action in _WITH_BIT and not keys.has("bit"):
        raise ValueError("expected bit")
    if action is Action.BITSET and item.bit == 0 and not item.solo:
        raise ValueError("bits are counted from 1; bit 0 needs soloBit")
    if item.message is not None and item.target is not None and item.target.bit is not None:
        raise ValueError("a single bit cannot be sent")
    if item.condition.use_range and not item.condition.compares:
        raise ValueError("useRange needs inValue or inVar")


def _condition(action: Action, keys: Keys) -> Condition:
    masked = action in (Action.ENUM, Action.BITFIELD)
    return Condition(
        enable=keys.switch(),
        enabled=keys.flag("enabled", True),
        if_changed=keys.flag("ifChanged"),
        input=keys.place("inAv", "inAval"),
        value=keys.any("inValue"),
        value_at=keys.place("inVar"),
        use_range=keys.flag("useRange"),
        above=keys.number("inValue+", 0),
        below=keys.number("inValue-", 0),
        ignored=keys.any("ignoreValue"),
        ignored_at=keys.place("ignoreVar"),
        mask=keys.bits("mask", HIGHEST_WORD) if masked else 0,
        shift=keys.bits("shift", HIGHEST_BIT) if masked else 0,
    )


def _output(keys: Keys) -> Output:
    return Output(
        value=_constant(keys, "outValue"),
        value_at=keys.place("outVar"),
        else_value=_constant(keys, "outNValue"),
        else_at=keys.place("outNVar"),
        after_s=keys.number("outTime", None),
        scale=keys.number("scale", 1),
        offset=keys.number("offset", 0),
    )


def _constant(keys: Keys, key: str) -> Any:
    value = keys.any(key)
    if value is not ABSENT and isinstance(value, dict | list):
        raise ValueError(f"{key}: expected a number, a text, true or false")
    return value


def _message(keys: Keys) -> Message | None:
    method, mode, replyto = keys.method(), keys.text("mode"), keys.text("replyto")
    if method is None:
        return None
    if mode not in (None, "naked", "clothed"):
        raise ValueError(f"mode: expected naked or clothed, got {mode[:40]!r}")
    if replyto is not None and not replyto.startswith("/"):
        raise ValueError(f"replyto: expected a URI, got {replyto[:40]!r}")
    return Message(method, replyto, naked=mode == "naked")
