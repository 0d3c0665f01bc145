"""Which assets of a site are what: by its state machines, and where it has none, by what their tables hold."""

from __future__ import annotations

from typing import Final, NamedTuple

from ess_bus.uri import segments
from tools.view.store import Store

# A table with one of these is of this kind, where no state machine says it.
_SIGNS: Final = {
    "ess": ("PowerAllowed", "SiteCommsOK"),
    "bms": ("SOC", "BMSPower", "DCClosed"),
    "pcs": ("ActivePower", "PCSStatus", "AcContactor"),
}
# Parts of a bigger one: their values are in its table, and on the page of details.
_PARTS: Final = ("rack",)
_GRIDS: Final = ("grid", "utility", "poi")
_FEEDERS: Final = ("feeder", "meter", "breaker")


class Roles(NamedTuple):
    """The assets of a site.

    Attributes:
        ess: the one that is operated; ``None`` where a site has none.
        bms, pcs: in pairs, as far as there are as many.
        grid, feeder: assets that measure there, if any.
    """

    ess: str | None
    bms: tuple[str, ...]
    pcs: tuple[str, ...]
    grid: str | None = None
    feeder: str | None = None

    @property
    def devices(self) -> tuple[str, ...]:
        """All that are read from devices."""
        return (*self.bms, *self.pcs, *(one for one in (self.grid, self.feeder) if one is not None))


def roles(store: Store, ess: str | None = None) -> Roles:
    """Return the assets of the site; `ess` is the one to show, where there are several."""
    kinds: dict[str, list[str]] = {"ess": [], "bms": [], "pcs": []}
    for asset, facts in store.states.items():
        kinds.get(str(facts.get("kind")), []).append(asset)
    others = sorted(parts[1] for table in store.tables if len(parts := segments(table)) == 2 and parts[0] == "status")
    grid = next((one for one in others if one.startswith(_GRIDS)), None)
    feeder = next((one for one in others if one.startswith(_FEEDERS)), None)
    for kind, names in kinds.items():
        if not names and not store.states:
            names += [one for one in others if one not in (grid, feeder) and _is(store, one, kind)]
    one_ess = ess if ess is not None else next(iter(kinds["ess"]), None)
    return Roles(one_ess, tuple(kinds["bms"]), tuple(kinds["pcs"]), grid, feeder)


def _is(store: Store, asset: str, kind: str) -> bool:
    return not asset.startswith(_PARTS) and any(store.has(f"/status/{asset}", sign) for sign in _SIGNS[kind])
