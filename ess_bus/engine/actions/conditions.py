"""Whether an item applies to what its variable was set to."""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.actions.effects import World
from ess_bus.engine.actions.item import ABSENT, Condition
from ess_bus.engine.numbers import is_number
from ess_bus.engine.target import Target
from ess_bus.engine.variable import Variable

# How closely a number must match `inValue`.
MATCH_TOLERANCE: Final = 0.001


def is_open(condition: Condition, variable: Variable, world: World) -> bool:
    """Tell whether an item is looked at at all: ``enable``, ``enabled``, ``ifChanged``.

    A switch that is not valid is off: nobody has allowed anything.
    """
    if condition.if_changed and not _has_changed(condition, variable, world):
        return False
    return is_on(condition.enable, condition.enabled, world)


def is_on(enable: bool | Target | None, enabled: bool, world: World) -> bool:
    """Tell whether ``enable``, if there is one, and otherwise ``enabled`` is on."""
    if enable is None:
        return enabled
    return bool(world.read(enable)) if isinstance(enable, Target) else enable


def applies(condition: Condition, value: Any, world: World) -> bool | None:
    """Tell whether an item follows from `value`; ``None`` if that cannot be told for something is not valid.

    An ``inValue`` of null is matched by nothing: what is not valid has consequences of its own.
    """
    if value is None:
        return None
    if not condition.compares:
        return True
    wanted = condition.value if condition.value_at is None else world.read(condition.value_at)
    if condition.value_at is not None and wanted is None:
        return None
    compared = masked(condition, value)
    if condition.use_range and is_number(compared) and is_number(wanted):
        # What lies just outside must stay outside: the range is the tolerance.
        return wanted - condition.below <= compared <= wanted + condition.above
    return equal(compared, wanted)


def is_ignored(condition: Condition, value: Any, world: World) -> bool | None:
    """Tell whether `value` is one that is passed over; ``None`` if that cannot be told."""
    if condition.ignored_at is not None:
        ignored = world.read(condition.ignored_at)
        return None if ignored is None else equal(value, ignored)
    return condition.ignored is not ABSENT and equal(value, condition.ignored)


def masked(condition: Condition, value: Any) -> Any:
    """Return the part of a whole number that is compared, and everything else as it is."""
    if not condition.mask or not is_number(value) or value != int(value):
        return value
    return (int(value) >> condition.shift) & condition.mask


def equal(value: Any, wanted: Any) -> bool:
    """Tell whether two values are of the same type and equal, numbers within `MATCH_TOLERANCE`."""
    if is_number(value) and is_number(wanted):
        return bool(abs(value - wanted) <= MATCH_TOLERANCE)
    return type(value) is type(wanted) and bool(value == wanted)


def _has_changed(condition: Condition, variable: Variable, world: World) -> bool:
    if condition.input is None:
        return variable.changed
    # Others may look at the same input, so everybody remembers for himself what he saw last.
    value = world.read(condition.input)
    seen = variable.seen.get(condition.input, ABSENT)
    variable.seen[condition.input] = value
    return seen is ABSENT or (type(seen), seen) != (type(value), value)
