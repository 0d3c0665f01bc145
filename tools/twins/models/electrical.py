"""`Electrical`: a component with an AC connection, and what a meter at it would show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from tools.twins.models.maths import power_factor
from tools.twins.models.model import Model
from tools.twins.models.terminal import Terminal

_SQRT3: Final = math.sqrt(3)


@dataclass(kw_only=True, eq=False)
class Electrical(Model):
    """A component with an AC connection.

    Attributes:
        v: voltage, line to line, V.
        vln: voltage, line to neutral, V.
        i: current, A.
        di: its active part, A.
        qi: its reactive part, A.
        p: active power, kW, delivering is +.
        q: reactive power, kvar.
        s: apparent power, kVA.
        pf: power factor, with the IEEE sign.
        f: frequency, Hz.
        ph: phase, degrees.
        dt: how long the last tick was, s.
    """

    v: float = 0.0
    vln: float = 0.0
    i: float = 0.0
    di: float = 0.0
    qi: float = 0.0
    p: float = 0.0
    q: float = 0.0
    s: float = 0.0
    pf: float = 1.0
    f: float = 0.0
    ph: float = 0.0
    dt: float = 0.0

    def connect(self, terminal: Terminal) -> None:
        """Take over voltage and frequency."""
        self.v, self.f, self.ph = terminal.v, terminal.f, terminal.ph

    def meter(self, p: float, q: float, dt_s: float) -> None:
        """Show powers, and what follows from them."""
        self.p, self.q, self.dt = p, q, dt_s
        self.s = math.hypot(p, q)
        self.pf = power_factor(p, q)
        self.vln = self.v / _SQRT3
        per_kw = 1000 / (self.v * _SQRT3) if self.v > 0 else 0.0
        self.i, self.di, self.qi = self.s * per_kw, p * per_kw, q * per_kw
