"""`Transformer`: another voltage, and losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from tools.twins.models.electrical import Electrical
from tools.twins.models.fields import private, quantity
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Transformer(Electrical):
    """A transformer; its `v` is that of the side of the root, its `p` what it hands up.

    Attributes:
        sn: rated apparent power, kVA.
        vn: rated voltage on the side of the root, V; 0 is what is there.
        n: turns ratio: the voltage above by the one below.
        zpu: impedance, %.
        xor: reactance by resistance.
        mag: magnetizing current, %.
        eff: efficiency at rated power, %.
        v2: voltage below, V.
        losses: kW, as of the last tick.
        qlosses: kvar, as of the last tick.
    """

    below: ClassVar[str | None] = "ac"

    sn: float = quantity(14_000.0, low=1e-3)
    vn: float = quantity(0.0, low=0)
    n: float = quantity(1.0, low=1e-6)
    zpu: float = quantity(7.0, low=0, high=100)
    xor: float = quantity(6.0, low=0)
    mag: float = quantity(0.3, low=0, high=100)
    eff: float = quantity(99.0, low=1, high=100)
    v2: float = 0.0
    losses: float = 0.0
    qlosses: float = 0.0
    _r: float = private(0.0)
    _x: float = private(0.0)
    _through: tuple[float, float] = private((0.0, 0.0))

    def changed(self) -> None:
        """Compute resistance and reactance anew, per unit."""
        self._r = self.zpu / 100 / math.hypot(1, self.xor)
        self._x = self._r * self.xor

    def load_lines(self, terminal: Terminal) -> Terminal:
        """Hand the load lines up, at the voltage there."""
        terminal.v *= self.n
        return terminal

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Hand down the voltage, less or more what the power of the last tick makes of it."""
        self.connect(terminal)
        p, q = self._through
        self.v2 = max(0.0, terminal.v / self.n * (1 + (self._r * p + self._x * q) / self.sn))
        return Terminal(v=self.v2, f=terminal.f, ph=terminal.ph)

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Hand up, less the losses of the last tick."""
        return self._less(terminal)

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what is handed up, and compute the losses of the next tick."""
        handed = self._less(terminal)
        self.meter(handed.p, handed.q, dt_s)
        self._through = terminal.p, terminal.q
        if self.v > 0:
            loading = (terminal.s / self.sn) ** 2
            iron = max(0.0, (1 - self.eff / 100) - self._r)
            self.losses = (iron + self._r * loading) * self.sn
            self.qlosses = (self.mag / 100 + self._x * loading) * self.sn
        else:
            self.losses = self.qlosses = 0.0
        return handed

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Hand down what is asked, at the voltage below."""
        return Terminal(
            v=terminal.v / self.n, f=terminal.f, p=terminal.p, q=terminal.q,
            d_hertz=terminal.d_hertz, d_volts=terminal.d_volts, hertz=terminal.hertz, volts=terminal.volts,
        )  # fmt: skip

    def _less(self, terminal: Terminal) -> Terminal:
        return Terminal(p=terminal.p - self.losses, q=terminal.q - self.qlosses)
