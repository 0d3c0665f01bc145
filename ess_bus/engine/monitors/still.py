"""The check of CheckMonitorVar and the asset checks that a value must keep changing: heartbeats, timestamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ess_bus.engine.monitors.finding import NAMES, Finding, Names, lasting, written
from ess_bus.engine.monitors.trip import Delays, Judgement


@dataclass(slots=True)
class Still:
    """When a value has last changed. One that is not valid is no change, nor is the old one when it comes back.

    Attributes:
        value: the last one that was valid.
        since_s: when it came, on the steady clock.
        has_changed: whether it ever did.
    """

    value: Any
    since_s: float
    has_changed: bool = False

    def look(self, now_s: float, value: Any) -> None:
        """Take the value."""
        if value is None or value == self.value:
            return
        # The first value at all is one that appears, not one that changes.
        self.has_changed |= self.value is not None
        self.value, self.since_s = value, now_s


def still(
    now_s: float,
    state: Still,
    patience: Delays,
    *,
    with_fault: bool,
    hold_s: float | None = None,
    check: str = "state",
    names: Names | None = NAMES,
) -> Finding:
    """Return what is said of a value that must keep changing."""
    since_s, shown = state.since_s, state.value
    return lasting(check, names, now_s, since_s, patience, _describe, with_fault=with_fault, shown=shown, hold_s=hold_s)


def _describe(judgement: Judgement, _severity: str) -> str:
    return f"value [{written(judgement.shown)}] has not changed"
