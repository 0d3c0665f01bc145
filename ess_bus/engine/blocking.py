"""Which messages the engine does not take, though they are for it (engine.md 2.2)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from ess_bus.engine.datamap import DataMap
from ess_bus.uri import is_under, normal

BLOCKED: Final = "/blockeduris"
# The tables of older engines, which real files use, and the keys of /config/<asset> that stand for their entries.
_OLD: Final = {"get": "/gets/blocked", "set": "/sets/blocked", "pub": "/pubs/blocked"}
OLD_KEYS: Final = {"BlockGets": _OLD["get"], "BlockSets": _OLD["set"], "BlockPubs": _OLD["pub"]}
# Devices answer for themselves, and what is for the site is not taken from everybody. Below the engine's own name,
# and for roots that it owns, these do not count.
_DEFAULTS: Final = (("get", "/components"), ("pub", "/site"))


def blocked(datamap: DataMap, method: str, uri: str, path: str, owned: Collection[str]) -> str | None:
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
    """
    if is_under(path, BLOCKED) or path in _OLD.values():
        return None
    rules = datamap.tables.get(f"{BLOCKED}/{method}", {})
    matching = {
        prefix: rule.value
        for prefix, rule in rules.items()
        if prefix.startswith("/") and (is_under(uri, prefix) or is_under(path, prefix))
    }
    if any(value is False for value in matching.values()):
        return None
    for prefix, value in sorted(matching.items()):
        if value:
            return f"{method} on {prefix} is blocked by {BLOCKED}/{method}"
    old = _OLD.get(method, "")
    for prefix, rule in sorted(datamap.tables.get(old, {}).items()):
        if rule.value and prefix.startswith("/") and is_under(uri, prefix):
            return f"{method} on {prefix} is blocked by {old}"
    if normal(uri) == path and not any(is_under(path, root) for root in owned):
        for default, prefix in _DEFAULTS:
            if method == default and is_under(path, prefix):
                return f"a {method} on {prefix} is taken below the engine's own name only"
    return None
