"""What a function reads beside its own variable: by names in parameters, by usual places, by settings of its asset.

=====================  ===============================================================
``/table:name``        that variable; ``/table:name@parameter`` and ``/table:name[bit]`` too
``name``               the asset's: where ``/links/<asset>:name`` leads, else ``/status/<asset>:name``
=====================  ===============================================================
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.cell import DEADBAND
from ess_bus.engine.links import LINKS
from ess_bus.engine.numbers import is_number
from ess_bus.engine.switch import is_switched_on
from ess_bus.engine.target import Target
from ess_bus.reference import Reference

# Functions import this.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call, Engine

ABSENT: Final = object()
ROOT: Final = "ess"


def is_enabled(call: Call) -> bool:
    """Tell whether the variable's ``enable`` and ``enabled`` let the function run."""
    return is_switched_on(call.variable, call.place, call.engine)


def target(call: Call, text: str) -> Target:
    """Return what a parameter names; an asset's variable that is not there is made, and its link.

    Raises:
        ValueError: it names no variable.
    """
    if text.startswith("/"):
        return Target.parse(text)
    name, _, parameter = text.partition("@")
    if not name or set(name) & set("/:["):
        raise ValueError(f"{text[:80]!r}: expected /table:name or a variable of {call.asset}")
    call.engine.links.resolve(call.asset, name)
    return Target(Reference(f"/status/{call.asset}", name, parameter or None))


def target_at(call: Call, key: str) -> Target | None:
    """Return what the parameter `key` names, ``None`` where there is no such parameter.

    Raises:
        ValueError: it is no text, or names no variable.
    """
    given = call.parameter(key)
    if given is None:
        return None
    if not isinstance(given, str):
        raise ValueError(f"{key}: expected the text /table:name, got {str(given)[:40]!r}")
    return target(call, given)


def usual(engine: Engine, root: str, asset: str, name: str) -> Reference:
    """Return where an asset has a variable: where its link leads, else ``/<root>/<asset>:<name>``."""
    linked = engine.find(f"{LINKS}/{asset}", name) is not None
    return Reference(f"/status/{asset}" if linked else f"/{root}/{asset}", name)


def own(engine: Engine, place: Reference) -> Reference:
    """Return where the variable at a place is itself, for the place may be a link."""
    variable = engine.find(place.table, place.name)
    return place if variable is None or not variable.places else Reference(*variable.places[0])


def value_of(engine: Engine, place: Reference, default: Any = ABSENT) -> Any:
    """Return the value at a place; `default` where there is no variable."""
    variable = engine.find(place.table, place.name)
    return default if variable is None else variable.value


def setting(call: Call, name: str, default: Any) -> Any:
    """Return an option of a function: its variable's parameter, else ``/config/<asset>:<name>``, else `default`.

    A parameter that is a text with a URI is read there; ``None`` is what is not valid.
    """
    given = call.parameter(name, ABSENT)
    if given is ABSENT:
        found = value_of(call.engine, Reference(f"/config/{call.asset}", name))
        if found is ABSENT and is_engine(call):
            found = value_of(call.engine, Reference(f"/config/{ROOT}", name))
        return default if found is ABSENT else found
    if isinstance(given, str) and given.startswith("/"):
        return call.engine.read(Target.parse(given))
    return given


def number_setting(call: Call, name: str, default: float) -> float:
    """Return an option that must be a number of 0 or more.

    Raises:
        ValueError: it is something else, or not valid now.
    """
    value = as_number(setting(call, name, default))
    if value is None or value < 0:
        raise ValueError(f"{name}: expected a number of 0 or more, got {str(setting(call, name, default))[:40]!r}")
    return value


def amount(call: Call, key: str, default: float | None = None) -> float | None:
    """Return a number that a parameter gives, or that is where it says; ``None`` if it is not valid.

    Raises:
        ValueError: the parameter names no variable.
    """
    given = call.parameter(key, ABSENT)
    if given is ABSENT:
        return default
    return as_number(call.engine.read(target(call, given)) if isinstance(given, str) else given)


def number_named(call: Call, key: str, name: str) -> float | None:
    """Return the number in the variable that the parameter `key` names, else in the asset's `name`.

    Raises:
        ValueError: the parameter names no variable.
    """
    given = call.parameter(key, name)
    if not isinstance(given, str):
        raise ValueError(f"{key}: expected the name of a variable, got {str(given)[:40]!r}")
    return as_number(call.engine.read(target(call, given)))


def asset_name(call: Call, key: str, default: str) -> str:
    """Return the asset that the parameter `key` names.

    Raises:
        ValueError: it is no name.
    """
    given = call.parameter(key, default)
    if not isinstance(given, str) or not given or "/" in given:
        raise ValueError(f"{key}: expected the name of an asset, got {str(given)[:40]!r}")
    return given


def is_engine(call: Call) -> bool:
    """Tell whether the function is called for the engine itself; its tables are called ``ess`` whatever its name is."""
    return call.asset in (ROOT, call.engine.name)


def as_number(value: Any) -> float | None:
    """Return a finite number, ``None`` for everything else."""
    return value if is_number(value) and math.isfinite(value) else None


def put_result(engine: Engine, place: Reference, value: Any, owner: str, *, again: bool = False) -> None:
    """Set what a function computes, as `put_if_changed`; nobody else sets it from then on.

    Args:
        engine: in which it happens.
        place: where.
        value: the result.
        owner: whose it is, as a verb says it: ``is computed by EstimatePower``.
        again: set it also where it does not differ.

    Raises:
        ValueError: it cannot hold the value.
    """
    if again:
        engine.put(place, value)
    else:
        put_if_changed(engine, place, value)
    variable = engine.find(place.table, place.name)
    if variable is not None:
        variable.cell.owner = owner


def put_if_changed(engine: Engine, place: Reference, value: Any) -> None:
    """Set a variable where it differs by more than noise, so that what follows from it happens once.

    Raises:
        ValueError: it cannot hold the value.
    """
    before = value_of(engine, place)
    if is_number(before) and is_number(value):
        same = abs(before - value) <= DEADBAND
    else:
        same = type(before) is type(value) and bool(before == value)
    if not same:
        engine.put(place, value)
