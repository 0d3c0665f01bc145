"""`Cells`: voltage and temperature of a battery's cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools.twins.models.maths import interpolate


@dataclass(slots=True)
class Voltage:
    """The voltage of a battery: that of its state of charge, less what falls at its resistance.

    Attributes:
        socs: states of charge, %, ascending.
        volts: the voltage at each.
        r0: resistance, ohm.
        r1: resistance with a time constant, ohm.
        tau_s: that time constant.
    """

    socs: Sequence[float]
    volts: Sequence[float]
    r0: float = 0.0
    r1: float = 0.0
    tau_s: float = 1500.0
    _behind: float = 0.0

    def after(self, soc: float, power_kw: float, dt_s: float) -> float:
        """Return the voltage at a state of charge after `dt_s` with this power."""
        rest = interpolate(soc, self.socs, self.volts)
        # The current is that of the rest voltage: a lower one would need another resistance.
        amperes = power_kw * 1000 / rest if rest > 0 else 0.0
        settled = amperes * self.r1
        self._behind = settled + (self._behind - settled) * math.exp(-dt_s / self.tau_s)
        return max(0.0, rest - amperes * self.r0 - self._behind)


def warmed(temperature: float, surrounding: float, heat: float, tau_s: float, dt_s: float) -> float:
    """Return a temperature after `dt_s` on its way to that of its surrounding and its own heat, in K."""
    settled = surrounding + heat
    return settled + (temperature - settled) * math.exp(-dt_s / tau_s)
