"""RunSysVec, RunAllALists: the lists of assets, which are what the tables say at any time."""

from __future__ import annotations

from ess_bus.engine.functions.registry import Call, function


@function("RunSysVec", "RunAllALists", takes_invalid=True)
def run_lists(call: Call) -> None:
    """Nothing here: /ess/sysvec and /ess/alist are always up to date."""
