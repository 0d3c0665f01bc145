"""Which messages the engine does not take, though they are for it (engine.md 2.2)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from ess_bus.engine.datamap import DataMap
from ess_bus.engine.meaning import Assignment
from ess_bus.uri import is_under, normal

# Returns why an assignment is not taken, ``None`` if it is.
Refusing = Callable[[Assignment], str | None]

BLOCKED: Final = "/blockeduris"
# The tables of older engines, which real files use, and the keys of /config/<asset> that stand for their entries.
_OLD: Final = {"get": "/gets/blocked", "set": "/sets/blocked", "pub": "/pubs/blocked"}
OLD_KEYS: Final = {"BlockGets": _OLD["get"], "BlockSets": _OLD["set"], "BlockPubs": _OLD["pub"]}
# Devices answer for themselves, and what is for the site is not taken from everybody. Below the engine's own name,
# and for roots that it owns, these do not count.
_DEFAULTS: Final = (("get", "/components"), ("pub", "/site"))


def blocked(datamap: DataMap, method: str, uri: str, path: str, owned: Collection[str], name: str = "") -> str | None:
    """Return why a message is not taken, ``None`` if it is.

    ``/blockeduris/<method>`` holds ``{"/prefix": true}``. A prefix is compared by whole segments, with the URI as it
    was sent and without the engine's name; ``false`` unblocks whatever else matches. The table itself cannot be
    blocked: nobody could unblock it. Rules of ``/<method>s/blocked`` are compared with the URI as it was sent only:
    ``/status`` does not block ``/ess/status``, by which other programs of a site reach the engine.

    Args:
        datamap: holds the rules.
        method: ``get``, ``set`` or ``pub``.
        uri: as sent.
        path: without the engine's name and the view.
        owned: the roots that the engine owns beside its name.
        name: ``/ess`` if it was sent below the engine's name; the view does not count.
    """
    if _is_table_of_rules(path):
        return None
    named = [(uri, path), (name + path, path)]
    reason = _by_rules(datamap, method, named)
    if reason is not None or _is_unblocked(datamap, method, named):
        return reason
    if normal(uri) == path and not any(is_under(path, root) for root in owned):
        for default, prefix in _DEFAULTS:
            if method == default and is_under(path, prefix):
                return f"a {method} on {prefix} is taken below the engine's own name only"
    return None


def refusing(datamap: DataMap, method: str, uri: str, path: str, name: str = "") -> Refusing | None:
    """Return what refuses the parts of a message whose own URI is not blocked; ``None`` if nothing is blocked at all.

    A block holds in an object on a table above as well. It holds for a name, as in the original: what a link shows
    where user interfaces must not set it (``/site``) goes on being set where it comes from (``/components``), whose
    old value would go on standing there; and what people set on a page reaches what others must not set.

    Args:
        datamap: holds the rules.
        method: ``set`` or ``pub``.
        uri: as sent.
        path: without the engine's name and the view.
        name: ``/ess`` if it was sent below the engine's name.
    """
    if not any(datamap.tables.get(table) for table in (f"{BLOCKED}/{method}", _OLD.get(method, ""))):
        return None
    bases = dict.fromkeys((uri.removesuffix(path) if path != "/" else uri.rstrip("/"), name))

    def refuse(assignment: Assignment) -> str | None:
        place = assignment.place
        if _is_table_of_rules(place.table):
            return None
        path = f"{place.table}/{place.name}"
        reason = _by_rules(datamap, method, [(base + path, path) for base in bases])
        return None if reason is None else f"{place}: {reason}"

    return refuse


def _is_table_of_rules(path: str) -> bool:
    return is_under(path, BLOCKED) or path in _OLD.values()


def _matching(datamap: DataMap, method: str, named: Iterable[tuple[str, str]]) -> dict[str, object]:
    rules = datamap.tables.get(f"{BLOCKED}/{method}", {})
    return {
        prefix: rule.value
        for prefix, rule in rules.items()
        if prefix.startswith("/") and any(is_under(uri, prefix) or is_under(path, prefix) for uri, path in named)
    }


def _is_unblocked(datamap: DataMap, method: str, named: Iterable[tuple[str, str]]) -> bool:
    return any(value is False for value in _matching(datamap, method, named).values())


def _by_rules(datamap: DataMap, method: str, named: Collection[tuple[str, str]]) -> str | None:
    """Return which rule blocks what has these names, each a URI as sent and a path."""
    matching = _matching(datamap, method, named)
    if any(value is False for value in matching.values()):
        return None
    for prefix, value in sorted(matching.items()):
        if value:
            return f"{method} on {prefix} is blocked by {BLOCKED}/{method}"
    old = _OLD.get(method, "")
    for prefix, rule in sorted(datamap.tables.get(old, {}).items()):
        if rule.value and prefix.startswith("/") and any(is_under(uri, prefix) for uri, _ in named):
            return f"{method} on {prefix} is blocked by {old}"
    return None
