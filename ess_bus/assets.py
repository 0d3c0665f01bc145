"""What the names of tables tell of a site's assets: the engine, the managers below it, their instances.

No table lists them (engine.md 2.1, 8.2): ``/links/bms`` and ``/status/bms`` make ``bms`` a manager,
``/assets/bms/rack_1`` makes ``rack_1`` an instance of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ess_bus.uri import segments

# The tables of an asset are below these; whose second segment is an asset's name.
_ROOTS: Final = frozenset({"links", "vlinks", "status", "controls", "limits", "params", "assets", "alarms", "faults"})
_SUMMARY: Final = "summary"


def asset_of(table: str, root: str) -> str:
    """Return the asset that a table belongs to: ``bms`` of ``/status/bms``; the engine itself for all others."""
    parts = segments(table)
    if len(parts) < 2 or parts[0] not in _ROOTS:
        return root
    return parts[2] if parts[0] == "assets" and len(parts) > 2 and parts[2] != _SUMMARY else parts[1]


def managers(tables: Iterable[str], root: str, declared: Iterable[tuple[str, str | None]] = ()) -> dict[str, list[str]]:
    """Return manager -> its instances, alphabetically; `root` is the engine, with instances of its own.

    Args:
        tables: the URIs of all tables.
        root: the engine's name.
        declared: (manager, instance) as files say it, whatever their tables are called; without an instance ``None``.
    """
    instances: dict[str, set[str]] = {root: set()}
    for manager, instance in declared:
        instances.setdefault(manager, set()).update([instance] if instance else [])
    for parts in map(segments, tables):
        if len(parts) >= 2 and parts[0] in _ROOTS:
            below = instances.setdefault(parts[1], set())
            if parts[0] == "assets" and len(parts) > 2 and parts[2] != _SUMMARY:
                below.add(parts[2])
    taken = {name for below in instances.values() for name in below}
    return {name: sorted(below) for name, below in sorted(instances.items()) if name not in taken or below}
