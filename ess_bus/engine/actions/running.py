"""The actions: from a variable that was set to what follows, item by item.

Each is a generator: what it has yielded is carried out before the next item is looked at, so that a ``remap`` behind
``limits`` copies what these have left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from ess_bus.engine.actions.conditions import applies, input_of, is_ignored, is_open
from ess_bus.engine.actions.effects import Call, Clamp, Effect, Send, World, Write
from ess_bus.engine.actions.item import ABSENT, Action, Item, Step
from ess_bus.engine.numbers import is_number, number
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable
from ess_bus.reference import Reference


def effects(step: Step, variable: Variable, world: World) -> Iterator[Effect]:
    """Yield what follows from one action now that `variable` was set."""
    return _RUN[step.action](step.items, variable, world)


def _remap(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[Effect]:
    for item, value in _open(items, variable, world):
        yield from _outcome(item, value, _verdict(item, value, world), world)


def _enum(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[Effect]:
    matched = False
    looked_at: list[Item] = []
    unknown: set[Target] = set()
    for item, value in _open(items, variable, world):
        looked_at.append(item)
        verdict = _verdict(item, value, world)
        matched |= verdict is not False
        if verdict is None and item.target is not None:
            # Hundreds of items may share a target: it becomes not valid once.
            if item.target in unknown:
                continue
            unknown.add(item.target)
        yield from _outcome(item, value, verdict, world)
    if looked_at and not matched:
        yield from _defaults(looked_at, variable, world)


def _defaults(items: list[Item], variable: Variable, world: World) -> Iterator[Effect]:
    """Yield what is set where nothing matched: ``defUri`` and ``defVal`` of an item, or of the variable."""
    for item in items:
        if item.default is not None and item.default_value is not ABSENT:
            yield Write(item.default, item.default_value)
    place, value = variable.parameters.get("defUri"), variable.parameters.get("defVal", ABSENT)
    if isinstance(place, str) and value is not ABSENT:
        try:
            yield Write(Target.parse(place), value)
        except ValueError as error:
            where = Reference(*variable.places[0])
            world.warn(f"{where} defUri", f"{where}: defUri: {error}; left out")


def _bitfield(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[Effect]:
    for item, value in _open(items, variable, world):
        verdict = _verdict(item, value, world)
        if verdict:
            verdict = _has_bit(item, value)
        # What a set bit means is said by `outValue`; without one it is set.
        output = True if verdict and item.output.value is ABSENT and item.output.value_at is None else value
        yield from _outcome(item, output, verdict, world)


def _has_bit(item: Item, value: Any) -> bool | None:
    if isinstance(value, bool):
        value = int(value)
    if not is_number(value):
        return None
    word = int(value) >> item.condition.shift
    return bool((word & item.condition.mask if item.condition.mask else word) >> item.bit & 1)


def _bitset(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[Effect]:
    for item, value in _open(items, variable, world):
        verdict = _verdict(item, value, world)
        if item.target is None or (verdict is False and not _says_else(item)):
            continue
        on = None if verdict is None else _output(item, value, verdict, world)
        if item.solo:
            whole = 1 << item.bit >> 1
            yield from _deliver(item, None if on is None else whole if on else 0)
        else:
            bit = Target(item.target.place, item.bit - 1)
            yield Write(bit, None if on is None else bool(on), item.direct, item.forced)


def _limits(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[Effect]:
    for item, value in _open(items, variable, world):
        if not is_number(value):
            continue
        low = item.low if item.low_at is None else world.read(item.low_at)
        high = item.high if item.high_at is None else world.read(item.high_at)
        if _missing(low, item.low_at) or _missing(high, item.high_at):
            # Nobody knows what may be passed on.
            yield Clamp(None)
            continue
        # Where they cross, the upper limit counts.
        clamped = min(max(value, low) if low is not None else value, high if high is not None else float("inf"))
        if clamped != value:
            yield Clamp(clamped)


def _missing(limit: Any, place: Target | None) -> bool:
    return place is not None and not is_number(limit)


def _func(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[Effect]:
    for item, value in _open(items, variable, world):
        verdict = _verdict(item, value, world)
        # Some functions want to know of a value that is not valid; conditions are never met by one.
        if item.function is not None and (verdict or (value is None and not item.condition.compares)):
            yield Call(item.function, item.asset, item.condition.input, value)


_RUN: Final[dict[Action, Callable[[tuple[Item, ...], Variable, World], Iterator[Effect]]]] = {
    Action.REMAP: _remap,
    Action.ENUM: _enum,
    Action.BITFIELD: _bitfield,
    Action.BITSET: _bitset,
    Action.LIMITS: _limits,
    Action.FUNC: _func,
}


def _open(items: tuple[Item, ...], variable: Variable, world: World) -> Iterator[tuple[Item, Any]]:
    """Yield (item, input) of the items that are switched on and not to be passed over."""
    for item in items:
        if not is_open(item.condition, variable, world):
            continue
        value = input_of(item.condition, variable, world)
        if value is None or not is_ignored(item.condition, value, world):
            yield item, value


def _verdict(item: Item, value: Any, world: World) -> bool | None:
    if value is not None and is_ignored(item.condition, value, world) is None:
        return None
    return applies(item.condition, value, world)


def _outcome(item: Item, value: Any, verdict: bool | None, world: World) -> Iterator[Effect]:
    if verdict is None:
        yield from _deliver(item, None)
    elif verdict or _says_else(item):
        yield from _deliver(item, _output(item, value, verdict, world))
    if verdict and item.function is not None:
        yield Call(item.function, item.asset, item.condition.input, value)


def _says_else(item: Item) -> bool:
    return item.output.else_value is not ABSENT or item.output.else_at is not None


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


def _deliver(item: Item, value: Any) -> Iterator[Effect]:
    if item.target is None:
        return
    if item.message is None:
        yield Write(item.target, value, item.direct, item.forced)
    elif value is not None or item.message.method != "set":
        # What is not valid is no command.
        yield Send(item.target, value, item.message)
