"""Cards: what the user interface variables of an engine say of themselves, as the page draws it (engine.md 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ess_bus.uri import is_under
from tools.ess_web.store import Entry, Store
from tools.ess_web.values import scalar, shortened

KINDS: Final = ("status", "control", "alarm", "fault")
MESSAGES: Final = ("alarm", "fault")
MAX_OPTIONS: Final = 64
# Parameters that the page shows; the others of a variable are the engine's business.
_TEXTS: Final = ("name", "unit", "ui_type", "type", "reason", "waits_for", "step", "request", "since")


def parameters(said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what people see of the parameters of a variable, as far as it is what it should be."""
    found: dict[str, Any] = {name: shortened(said[name], 200) for name in _TEXTS if isinstance(said.get(name), str)}
    # What is null is so no more: nothing is waited for.
    found |= {name: None for name in _TEXTS if name in said and said[name] is None}
    scaler, enabled, dropped = said.get("scaler"), said.get("enabled"), said.get("dropped")
    if isinstance(scaler, int | float) and not isinstance(scaler, bool):
        found["scaler"] = scaler
    if isinstance(enabled, bool):
        found["enabled"] = enabled
    if "dropped" in said:
        found["dropped"] = dropped if isinstance(dropped, int) else 0
    if isinstance(said.get("options"), list):
        found["options"] = list(_options(said["options"]))
    return found


def _options(said: list[Any]) -> Iterator[dict[str, Any]]:
    for one in said[:MAX_OPTIONS]:
        if isinstance(one, dict) and "name" in one:
            name = one["name"] if isinstance(one["name"], str) else str(scalar(one["name"]))
            yield {"name": shortened(name, 320), "return_value": scalar(one.get("return_value"))}


def cards(store: Store, root: str, order: Mapping[str, list[str]]) -> list[dict[str, Any]]:
    """Return the cards of an engine: those that can do or tell something first, else in its own order.

    Args:
        store: what is known.
        root: where its assets are: ``/ess/assets``.
        order: table -> names, as the engine has shown them.
    """
    tables = [*order, *(table for table in store.tables if table not in order and is_under(table, root))]
    found = [card for table in tables if (card := _card(store, table, order.get(table, []))) is not None]
    return sorted(found, key=lambda card: all(row["ui_type"] == "status" for row in card["rows"]))


def _card(store: Store, table: str, order: list[str]) -> dict[str, Any] | None:
    members = store.tables.get(table, {})
    names = [*(name for name in order if name in members), *(name for name in members if name not in order)]
    rows = [_row(name, members[name]) for name in names if members[name].meta.get("ui_type") in KINDS]
    if not rows:
        return None
    title = members.get("name")
    text = title.value if title is not None and isinstance(title.value, str) else table.removeprefix("/")
    return {"table": table, "title": text, "rows": rows}


def _row(name: str, entry: Entry) -> dict[str, Any]:
    meta = entry.meta
    row = {"uri": entry.uri, "name": meta.get("name") or name, "ui_type": meta["ui_type"]}
    for key, default in (("unit", ""), ("scaler", 1), ("type", ""), ("enabled", True), ("reason", "")):
        row[key] = default if meta.get(key) is None else meta[key]
    if row["ui_type"] not in MESSAGES:  # these are in the list of alarms
        row["options"] = meta.get("options", [])
    return row
