"""How the assets of a site are shown: the engine itself, the managers below it, and their instances (engine.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ess_bus.assets import asset_of
from ess_bus.assets import managers as named
from ess_bus.engine.views import full
from ess_bus.tables.document import BELONGING, LOADED, Belonging

__all__ = ["asset_of", "known_assets", "managers", "one_asset", "one_item", "summary"]

# The data map reads actions, these name functions, and some of these ask for assets.
if TYPE_CHECKING:
    from ess_bus.engine.datamap import DataMap


def managers(datamap: DataMap, root: str) -> dict[str, list[str]]:
    """Return manager -> its instances, alphabetically; `root` is the engine, with instances of its own."""
    declared = ((whose.manager, whose.instance) for whose in _declared(datamap) if whose.manager is not None)
    return named(datamap.tables, root, declared)


def known_assets(datamap: DataMap, root: str) -> set[str]:
    """Return the names of all assets."""
    known = managers(datamap, root)
    return known.keys() | {instance for instances in known.values() for instance in instances}


def summary(datamap: DataMap, root: str) -> dict[str, Any]:
    """Return the tree as ``get /ess/amap`` shows it: ``aMs`` are managers, ``aIs`` instances."""
    known = managers(datamap, root)
    parents = _parents(datamap, root, known)

    def branch(name: str) -> dict[str, Any]:
        below = [branch(one) for one in known if parents.get(one) == name]
        return {"aIs": _leaves(known[name], name), "aMs": below, "name": name, "p-name": parents.get(name)}

    tree = branch(root)
    return {"aIs": tree["aIs"], "aMs": tree["aMs"]}


def _parents(datamap: DataMap, root: str, known: Iterable[str]) -> dict[str, str]:
    """Return manager -> the one above it: the engine, unless what was loaded says otherwise."""
    parents = {name: root for name in known if name != root}
    for whose in _declared(datamap):
        if whose.manager in parents and not whose.instance and whose.parent in parents:
            above, trail = whose.parent, {whose.manager}
            while above in parents and above not in trail:
                trail.add(above)
                above = parents[above]
            if above == root:  # not one of its own descendants
                parents[whose.manager] = whose.parent
    return parents


def _declared(datamap: DataMap) -> list[Belonging]:
    """Return whose configuration has been loaded by name, as the table of that says."""
    found = []
    for variable in datamap.tables.get(LOADED, {}).values():
        texts = {attribute: variable.parameters.get(key) for key, attribute in BELONGING.items()}
        found.append(Belonging(**{attribute: text for attribute, text in texts.items() if isinstance(text, str)}))
    return found


def one_asset(datamap: DataMap, asset: str) -> dict[str, Any]:
    """Return the variables, links and vlinks of one asset, in full; ``{}`` if there is no such asset."""
    tables = datamap.tables
    tables_of = {key: tables.get(f"/{root}/{asset}") for key, root in _SHOWN.items()}
    if all(table is None for table in tables_of.values()):
        return {}
    return {
        key: {name: full(table[name]) for name in sorted(table)} if table else {} for key, table in tables_of.items()
    }


def one_item(datamap: DataMap, root: str, asset: str, item: str) -> dict[str, Any]:
    """Return a variable of an asset and of those one level below it: asset -> the variable in full."""
    known = managers(datamap, root)
    children = known.get(asset, [])
    if asset == root:
        children = [*children, *(name for name in known if name != root)]
    return _items(datamap, [asset, *children], item)


_SHOWN: Final = {"amap": "status", "links": "links", "vlinks": "vlinks"}


def _items(datamap: DataMap, assets: Iterable[str], item: str) -> dict[str, Any]:
    found = {asset: datamap.find(f"/status/{asset}", item) for asset in assets}
    return {asset: {item: full(variable)} for asset, variable in found.items() if variable is not None}


def _leaves(names: Iterable[str], parent: str) -> list[dict[str, str]]:
    return [{"name": name, "p-name": parent} for name in names]
