"""The actions: from a variable that was set to what follows, item by item.

What an item says is done before the next one is looked at, so that a ``remap`` behind ``limits`` copies what these have
left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ess_bus.engine.actions.conditions import applies, is_ignored, is_open
from ess_bus.engine.actions.effects import Call, Doer, Send, World
from ess_bus.engine.actions.item import ABSENT, Action, Item
from ess_bus.engine.numbers import is_number, number
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference


def _remap(items: tuple[Item, ...], variable: Variable, world: World, doer: Doer) -> None:
    for item, value, verdict in _looked_at(items, variable, world):
        _follow(item, value, verdict, variable, world, doer)


def _enum(items: tuple[Item, ...], variable: Variable, world: World, doer: Doer) -> None:
    matched = False
    looked_at: list[Item] = []
    unknown: set[Target] = set()
    for item, value, verdict in _looked_at(items, variable, world):
        looked_at.append(item)
        matched |= verdict is not False
        if verdict is None and item.target is not None:
            # Hundreds of items may share a target: it becomes not valid once.
            if item.target in unknown:
                continue
            unknown.add(item.target)
        _follow(item, value, verdict, variable, world, doer)
    if looked_at and not matched:
        _set_defaults(looked_at, variable, world, doer)


def _set_defaults(items: list[Item], variable: Variable, world: World, doer: Doer) -> None:
    """Set what is set where nothing matched: ``defUri`` and ``defVal`` of an item, or of the variable."""
    for item in items:
        if item.default is not None and item.default_value is not ABSENT:
            doer.write(variable, item.default, item.default_value)
    place, value = variable.parameters.get("defUri"), variable.parameters.get("defVal", ABSENT)
    if isinstance(place, str) and value is not ABSENT:
        try:
            target = Target.parse(place)
        except ValueError as error:
            where = Reference(*variable.places[0])
            world.warn(f"{where} defUri", f"{where}: defUri: {error}; left out")
            return
        doer.write(variable, target, value)


def _bitfield(items: tuple[Item, ...], variable: Variable, world: World, doer: Doer) -> None:
    for item, value, verdict in _looked_at(items, variable, world):
        has_bit = _has_bit(item, value) if verdict else verdict
        # What a set bit means is said by `outValue`; without one it is set.
        output = True if has_bit and item.output.value is ABSENT and item.output.value_at is None else value
        _follow(item, output, has_bit, variable, world, doer)


def _has_bit(item: Item, value: Any) -> bool | None:
    if isinstance(value, bool):
        value = int(value)
    if not is_number(value):
        return None
    word = int(value) >> item.condition.shift
    return bool((word & item.condition.mask if item.condition.mask else word) >> item.bit & 1)


def _bitset(items: tuple[Item, ...], variable: Variable, world: World, doer: Doer) -> None:
    for item, value, verdict in _looked_at(items, variable, world):
        if item.target is None or (verdict is False and not item.output.says_else):
            continue
        on = None if verdict is None else _output(item, value, verdict, world)
        if item.solo:
            whole = 1 << item.bit >> 1
            _deliver(item, None if on is None else whole if on else 0, variable, doer)
        else:
            bit = Target(item.target.place, item.bit - 1)
            doer.write(variable, bit, None if on is None else bool(on), item.direct, item.forced)


def _limits(items: tuple[Item, ...], variable: Variable, world: World, doer: Doer) -> None:
    for item, value, _ in _looked_at(items, variable, world):
        if not is_number(value):
            continue
        low = item.low if item.low_at is None else world.read(item.low_at)
        high = item.high if item.high_at is None else world.read(item.high_at)
        if _missing(low, item.low_at) or _missing(high, item.high_at):
            # Nobody knows what may be passed on.
            doer.clamp(variable, None)
            continue
        # Where they cross, the upper limit counts.
        clamped = min(max(value, low) if low is not None else value, high if high is not None else float("inf"))
        if clamped != value:
            doer.clamp(variable, clamped)


def _missing(limit: Any, place: Target | None) -> bool:
    return place is not None and not is_number(limit)


def _func(items: tuple[Item, ...], variable: Variable, world: World, doer: Doer) -> None:
    for item, value, verdict in _looked_at(items, variable, world):
        # Some functions want to know of a value that is not valid; conditions are never met by one.
        if item.function is not None and (verdict or (value is None and not item.condition.compares)):
            doer.call(variable, Call(item.function, item.asset, item.condition.input, value))


# What each does now that `variable` was set. (Every frame counts between one variable of a long chain and the next.)
RUN: Final[dict[Action, Callable[[tuple[Item, ...], Variable, World, Doer], None]]] = {
    Action.REMAP: _remap,
    Action.ENUM: _enum,
    Action.BITFIELD: _bitfield,
    Action.BITSET: _bitset,
    Action.LIMITS: _limits,
    Action.FUNC: _func,
}


def _looked_at(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[tuple[Item, Any, bool | None]]:
    """Yield (item, input, whether the item follows from it) of those that are switched on and not passed over.

    Whether it follows is ``None`` if that cannot be told.
    """
    for item in items:
        condition = item.condition
        if condition.is_gated and not is_open(condition, variable, world):
            continue
        value = variable.cell.value if condition.input is None else world.read(condition.input)
        if value is None or condition.is_free:
            yield item, value, None if value is None else True
            continue
        ignored = is_ignored(condition, value, world)
        if not ignored:
            yield item, value, None if ignored is None else applies(condition, value, world)


def _follow(item: Item, value: Any, verdict: bool | None, variable: Variable, world: World, doer: Doer) -> None:
    if verdict is None:
        _deliver(item, None, variable, doer)
    elif verdict or item.output.says_else:
        _deliver(item, _output(item, value, verdict, world), variable, doer)
    if verdict and item.function is not None:
        doer.call(variable, Call(item.function, item.asset, item.condition.input, value))


def _output(item: Item, value: Any, verdict: bool, world: World) -> Any:
    output = item.output
    constant, place = (output.value, output.value_at) if verdict else (output.else_value, output.else_at)
    if place is not None:
        return world.read(place)
    if constant is not ABSENT:
        return constant
    if output.after_s is not None:
        return number(world.now_s + output.after_s)
    return number(value * output.scale - output.offset) if is_number(value) else value


def _deliver(item: Item, value: Any, variable: Variable, doer: Doer) -> None:
    if item.target is None:
        return
    if item.message is None:
        doer.write(variable, item.target, value, item.direct, item.forced)
    elif value is not None or item.message.method != "set":
        # What is not valid is no command.
        doer.send(Send(item.target, value, item.message))
