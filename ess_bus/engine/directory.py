"""What the engine answers about itself: ``amap``, ``alist``, ``sysvec``, ``system/functions``, ``system/actions``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ess_bus.engine import assets, functions
from ess_bus.engine.actions.item import Action
from ess_bus.engine.datamap import DataMap
from ess_bus.engine.views import ASSETS, View
from ess_bus.uri import join, segments

_ACTIONS: Final = {
    Action.REMAP: "Copy the value, or a constant, to another variable.",
    Action.ENUM: "Set another variable by the value or a part of its bits.",
    Action.BITFIELD: "Set another variable for each bit that is set.",
    Action.BITSET: "Set or clear a bit of another variable.",
    Action.LIMITS: "Keep the value between two limits.",
    Action.FUNC: "Call a function.",
}
_LISTS: Final[dict[tuple[str, ...], Callable[[], dict[str, str]]]] = {
    ("system", "functions"): functions.known,
    ("system", "actions"): lambda: {action.value: text for action, text in sorted(_ACTIONS.items())},
}


def answer(
    datamap: DataMap,
    name: str,
    path: tuple[str, ...],
    view: View,
    reports: Mapping[tuple[str, ...], Callable[[], Any]],
) -> Any:
    """Return the answer to a get of something that is not in the data map, ``None`` if it is nothing of that.

    Args:
        datamap: all tables.
        name: the engine's name.
        path: the segments behind the engine's name and the view.
        view: the view that was asked for.
        reports: what else the engine tells about itself.

    Raises:
        LookupError: there is no such function or action.
    """
    if path in reports:
        return reports[path]()
    found = _assets(datamap, name, path)
    if found is not None:
        return found
    listed = _LISTS.get(path[:2])
    if listed is None or len(path) > 3 or join(path[:2]) in datamap.tables:
        return None
    known = listed()
    if len(path) == 3:
        if path[2] not in known:
            raise LookupError(f"{path[2]} is not one of {join(path[:2])}")
        return known[path[2]] if view in (View.PLAIN, View.NAKED) else {path[2]: {"value": known[path[2]]}}
    if view is View.NAKED:
        return {join(path): known}
    return {one: {"value": text} for one, text in known.items()}


def _assets(datamap: DataMap, name: str, path: tuple[str, ...]) -> Any:
    match path:
        case ("amap",):
            return assets.summary(datamap, name)
        case ("amap", asset):
            return assets.one_asset(datamap, asset)
        case ("amap", asset, item):
            return assets.one_item(datamap, name, asset, item)
        case ("sysvec",):
            return list(_tables(datamap))
        case ("alist",):
            return {table: list(datamap.tables[table]) for table in _tables(datamap)}
    return None


def _tables(datamap: DataMap) -> list[str]:
    """Return the tables of assets, in the order in which they were made."""
    return [table for table in datamap.tables if segments(table)[0] == ASSETS.strip("/")]
