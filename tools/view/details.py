"""The page of details: every value that the pages of the assets (``/assets/...``) show, in their words."""

from __future__ import annotations

from typing import NamedTuple

from ess_bus.uri import segments
from tools.view.shown import Shown, Tone, ago, plain, shown, unit_of
from tools.view.store import Store

_SUMMARY = "summary"


class Detail(NamedTuple):
    """A row.

    Attributes:
        key: its table and name, for who updates it.
        asset: of which asset.
        value: what is shown.
        age: for how long its device has been silent, in words; empty while it is not.
    """

    key: str
    asset: str
    value: Shown
    age: str = ""


def details(store: Store, now_s: float) -> list[Detail]:
    """Return the rows, in the engine's order; whole assets before the parts of one."""
    doubt = bool(store.doubt(now_s))
    found = []
    for table, members in sorted(store.tables.items(), key=lambda one: not one[0].endswith(f"/{_SUMMARY}")):
        parts = segments(table)
        if len(parts) < 3 or parts[0] != "assets":
            continue
        asset = parts[-2] if parts[-1] == _SUMMARY else parts[-1]
        silence = store.silence(asset, now_s)
        title = plain(store.parameters(table, "").get("name") or asset, 20)
        for name, value in members.items():
            parameters = store.parameters(table, name)
            if parameters.get("ui_type") == "control":
                continue
            line = shown(plain(parameters.get("name") or name, 30), value, unit_of(parameters))
            if doubt or silence is not None:
                line = line._replace(tone=Tone.SILENT)
            found.append(Detail(f"{table}:{name}", title, line, "" if silence is None else ago(silence.age_s)))
    return found
