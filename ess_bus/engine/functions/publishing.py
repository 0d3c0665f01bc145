"""RunPub, FastPub, SlowPub, SlowPubOne: tables that are published regularly (engine.md 3.4, 3.5)."""

from __future__ import annotations

from typing import Any, Final

from ess_bus.engine.functions.registry import Call, function
from ess_bus.engine.inputs import is_enabled
from ess_bus.engine.publishing.tables import Mode, mode_of, publications
from ess_bus.engine.schedule.schedule import Plan
from ess_bus.engine.views import ASSETS
from ess_bus.reference import Reference
from ess_bus.uri import is_under

# The fast and the slow values of a site, as its controller reads them.
_FAST: Final = "/site/ess_hs"
_SLOW: Final = "/site/ess_ls"
# One table follows the other at this distance, so that they do not leave in one burst.
_STEP_S: Final = 0.01
_QUEUE: Final = "SlowPub"


@function("RunPub", takes_invalid=True)
def run_pub(call: Call) -> None:
    """Publish the tables that table or uri names; mode naked, clothed, full or ui; sendas another name."""
    named = call.parameter("table", call.parameter("uri"))
    if not isinstance(named, str) or not named:
        raise ValueError("expected table or uri with tables separated by commas")
    if is_enabled(call):
        _publish(call, named, call.parameter("mode", Mode.UI), call.parameter("sendas"))


@function("FastPub", takes_invalid=True)
def fast_pub(call: Call) -> None:
    """Publish table (/site/ess_hs) as dest, naked unless mode says something else."""
    named = call.parameter("table")
    if named is None and _FAST not in call.engine.datamap.tables:
        return
    if is_enabled(call):
        _publish(call, named or _FAST, call.parameter("mode", Mode.NAKED), call.parameter("dest"))


@function("SlowPub", takes_invalid=True)
def slow_pub(call: Call) -> None:
    """Publish every table of assets, and /site/ess_ls, one after the other."""
    engine = call.engine
    tables = [table for table, members in engine.datamap.tables.items() if is_under(table, ASSETS) and members]
    tables += [_SLOW] if _SLOW in engine.datamap.tables else []
    place = Reference(f"/sched/{engine.name}", "slowPubOne")
    if not tables or not is_enabled(call) or engine.schedule.is_active(place):
        return
    asset = {"fcn": "SlowPubOne", "amap": call.asset, "mode": call.parameter("mode", Mode.UI)}
    engine.schedule.start(place, Plan(_STEP_S), asset)
    engine.datamap.create(place).memory[_QUEUE] = tables


@function("SlowPubOne", takes_invalid=True)
def slow_pub_one(call: Call) -> None:
    """Publish the next table that SlowPub has found."""
    tables: list[str] = call.variable.memory.get(_QUEUE, [])
    if tables:
        table = tables.pop(0)
        mode = call.parameter("mode", Mode.UI) if is_under(table, ASSETS) else Mode.NAKED
        _publish(call, table, mode, None)
    if not tables and call.engine.schedule.is_active(call.place):
        call.engine.schedule.stop(call.place)


def _publish(call: Call, named: str, mode: Any, send_as: Any) -> None:
    if send_as is not None and (not isinstance(send_as, str) or not send_as):
        raise ValueError("sendas: expected URIs separated by commas")
    if not isinstance(named, str):
        raise ValueError("table: expected tables separated by commas")
    for uri, body in publications(call.engine.datamap, named, mode_of(mode), send_as):
        call.engine.send("pub", uri, body)
