"""`Entry`: one line of a list of variables that functions look at regularly (engine.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ess_bus.engine.assets import managers
from ess_bus.engine.functions.registry import ELSEWHERE, FUNCTIONS
from ess_bus.engine.schedule.item import seconds
from ess_bus.engine.target import Target
from ess_bus.hints import did_you_mean
from ess_bus.reference import Reference
from ess_bus.uri import segments

if TYPE_CHECKING:
    from ess_bus.engine.datamap import DataMap
    from ess_bus.engine.variable import Variable

LISTS: Final = "/schedule"
DEFAULT_RATE_S: Final = 0.1
# What works every hundredth of a second is no monitor.
LEAST_RATE_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that is not switched off for good.

    Attributes:
        order: entries of the engine, of managers, of instances; then by asset and by name.
        list_of: the asset whose list it is in.
        asset: the asset that the function works for.
        place: the variable that it is called with.
        function: its name.
        enable: where a switch is; ``None``: on.
        rate_s: from call to call, in seconds.
    """

    order: tuple[int, str, str]
    list_of: str
    asset: str
    place: Reference
    function: str
    enable: Target | None
    rate_s: float


def entries(datamap: DataMap, root: str, name: str) -> Iterator[Entry | ValueError]:
    """Yield the entries of all lists of a name, and what is wrong with the others; those that are off are left out.

    Args:
        datamap: holds the tables ``/schedule/<name>/<asset>``.
        root: the engine's own name.
        name: that of the lists: ``wake_monitor``.
    """
    head = segments(f"{LISTS}/{name}")
    instances = {one for below in managers(datamap, root).values() for one in below}
    for table, members in list(datamap.below(f"{LISTS}/{name}")):
        path = segments(table)
        if len(path) != len(head) + 1:
            continue
        asset = path[-1]
        level = 0 if asset in (root, "ess") else 2 if asset in instances else 1
        for key, variable in members.items():
            try:
                entry = _entry(key, variable, asset, level)
            except ValueError as error:
                yield ValueError(f"{table}: {key}: {error}; left out")
                continue
            if entry is not None:
                yield entry


def problem(table: str, name: str, variable: Variable) -> str | None:
    """Return why a variable, which may be an entry of a list, will never be called; ``None`` if it will, or is none."""
    if len(segments(table)) != len(segments(LISTS)) + 2:
        return None
    try:
        entry = _entry(name, variable, segments(table)[-1], 0)
    except ValueError as error:
        return f"{table}: {name}: {error}; left out"
    if entry is None or entry.function in FUNCTIONS:
        return None
    hint = did_you_mean(entry.function, FUNCTIONS)
    return f"{table}: {name}: the function {entry.function} is not known{hint}; left out"


def _entry(key: str, variable: Variable, asset: str, level: int) -> Entry | None:
    parameters = variable.parameters
    enable = parameters.get("enable", True)
    if not enable:
        return None
    if not isinstance(enable, bool | int | str):
        raise ValueError("enable: expected true, false or /table:name")
    function, amap = parameters.get("func"), parameters.get("amap", asset)
    if not isinstance(function, str) or not function:
        raise ValueError("expected func with the name of a function")
    if function in ELSEWHERE:
        return None  # whoever carries it out says what is wrong with its entry
    if not isinstance(amap, str) or not amap:
        raise ValueError("amap: expected the name of an asset")
    place = Reference.parse(key)
    rate_s = seconds("rate", parameters.get("rate", DEFAULT_RATE_S), LEAST_RATE_S)
    switch = Target.parse(enable) if isinstance(enable, str) else None
    return Entry((level, asset, key), asset, amap, place, function, switch, rate_s)
