"""`Reading`: the values of one asset, from its table of states or from its page for people."""

from __future__ import annotations

from typing import Any, Final

from tools.view.shown import Shown, Tone, shown, unit_of
from tools.view.store import Store

# What people call a variable of ``/status/<asset>``, and where it is in ``/assets/<asset>/summary``.
_LABELS: Final = {
    "SystemState": ("State", "status"),
    "PCSStatus": ("Says", "pcs_status"),
    "BMSStatus": ("Says", "bms_status"),
    "Frequency": ("f", "frequency"),
    "VoltageL1L2": ("L1-L2", "voltage_l1_l2"),
    "VoltageL2L3": ("L2-L3", "voltage_l2_l3"),
    "VoltageL3L1": ("L3-L1", "voltage_l3_l1"),
    "ActivePower": ("P", "active_power"),
    "ReactivePower": ("Q", "reactive_power"),
    "DCVoltage": ("DC", "dc_voltage"),
    "DCPower": ("P", "dc_power"),
    "BMSPower": ("P", "dc_power"),
    "BMSVoltage": ("U", "dc_voltage"),
    "BMSCurrent": ("I", "dc_current"),
    "SOC": ("SOC", "soc"),
    "MaxCellTemp": ("T max", "max_cell_temperature"),
    "PowerAllowed": ("Power allowed", ""),
    "BreakerClosed": ("Breaker", "breaker_closed"),
}

_STATES: Final = {
    "Running": Tone.GOOD,
    "Standby": Tone.GOOD,
    "Starting": Tone.BUSY,
    "Shutdown": Tone.BUSY,
    "Fault": Tone.BAD,
    "Init": Tone.BUSY,
}


class Reading:
    """Looks values up.

    Args:
        store: what is known.
        asset: whose values.
        is_silent: nobody knows whether they still hold.
    """

    def __init__(self, store: Store, asset: str, *, is_silent: bool) -> None:
        self._store = store
        self._asset = asset
        self.is_silent = is_silent

    def has(self, name: str) -> bool:
        """Tell whether the site has this value."""
        return self._place(name) is not None

    def value(self, name: str) -> Any:
        """Return a value; ``None`` is not valid, or not there."""
        place = self._place(name)
        return None if place is None else self._store.value(*place)

    def some(self, *wanted: tuple[str, str]) -> tuple[Shown, ...]:
        """Return the lines of those of (name, unit) that the site has."""
        found = []
        for name, unit in wanted:
            place = self._place(name)
            if place is not None:
                label = _LABELS.get(name, (name, ""))[0]
                found.append(self._line(label, self._store.value(*place), self._unit(place, unit)))
        return tuple(found)

    def controls(self, *wanted: tuple[str, str, str]) -> tuple[Shown, ...]:
        """Return the lines of those of (name, unit, label) that are in ``/controls/<asset>``."""
        table = f"/controls/{self._asset}"
        return tuple(
            self._line(label, self._store.value(table, name), self._unit((table, name), unit))
            for name, unit, label in wanted
            if self._store.has(table, name)
        )

    def state(self) -> Shown:
        """Return the state of its machine: that is the engine's own word, but about a device that may be silent."""
        state = self.value("SystemState")
        line = self._line("", state, "")
        return line if self.is_silent else line._replace(tone=_tone_of(state))

    def _place(self, name: str) -> tuple[str, str] | None:
        status, summary = f"/status/{self._asset}", f"/assets/{self._asset}/summary"
        if self._store.has(status, name):
            return status, name
        other = _LABELS.get(name, ("", ""))[1]
        return (summary, other) if other and self._store.has(summary, other) else None

    def _unit(self, place: tuple[str, str], otherwise: str) -> str:
        return unit_of(self._store.parameters(*place), otherwise)

    def _line(self, label: str, value: Any, unit: str) -> Shown:
        line = shown(label, value, unit)
        return line._replace(tone=Tone.SILENT) if self.is_silent else line


def _tone_of(state: Any) -> Tone:
    return Tone.INVALID if state is None else _STATES.get(str(state), Tone.PLAIN)
