"""How the assets of a site are shown: the engine itself, the managers below it, and their instances (engine.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from ess_bus.assets import asset_of
from ess_bus.assets import managers as named
from ess_bus.engine.views import full

__all__ = ["asset_of", "managers", "one_asset", "one_item", "summary"]

# The data map reads actions, these name functions, and some of these ask for assets.
if TYPE_CHECKING:
    from ess_bus.engine.datamap import DataMap


def managers(datamap: DataMap, root: str) -> dict[str, list[str]]:
    """Return manager -> its instances, alphabetically; `root` is the engine, with instances of its own."""
    return named(datamap.tables, root)


def summary(datamap: DataMap, root: str) -> dict[str, Any]:
    """Return the tree as ``get /ess/amap`` shows it: ``aMs`` are managers, ``aIs`` instances."""
    known = managers(datamap, root)
    below = [name for name in known if name != root]
    return {
        "aIs": _leaves(known[root], root),
        "aMs": [{"aIs": _leaves(known[name], name), "aMs": [], "name": name, "p-name": root} for name in below],
    }


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
