"""`Generator`: a generator that follows set points, or holds a grid by droop."""

from __future__ import annotations

from dataclasses import dataclass

from tools.twins.models.fields import quantity
from tools.twins.models.grid_forming import GridForming
from tools.twins.models.load import Steady
from tools.twins.models.maths import clamp
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Generator(GridForming, Steady):
    """A generator.

    Attributes:
        plim: rated power, kW.
        qlim: rated reactive power, kvar.
        energy: what it delivered, kWh.
    """

    plim: float = quantity(5000.0, low=0)
    qlim: float = quantity(5000.0, low=0)
    energy: float = 0.0

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q; it takes no power."""
        return 0.0, self.plim, -self.qlim, self.qlim

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Take commands."""
        super().update_mode(terminal)
        self.take_forming()
        return terminal

    def load_lines(self, terminal: Terminal) -> Terminal:
        """Hand up its load line while it holds a grid."""
        return self.load_line(self.plim, self.qlim) if self.on and self.grid_forming else Terminal()

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Follow the set points; the load decides if it forms a grid."""
        if self.on and self.grid_forming:
            return Terminal()
        return super().calculate_state(terminal, dt_s)

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Take its share of the load of the grid that it forms."""
        line = self.load_lines(Terminal())
        if line.d_hertz:
            p, q = terminal.share(line)
            p_low, p_high, q_low, q_high = self.bounds()
            self.p, self.q = clamp(p, p_low, p_high), clamp(q, q_low, q_high)
            self._p, self._q = self.p, self.q
        return terminal

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what was delivered."""
        self.energy += self.p * dt_s / 3600
        return super().update_state(terminal, dt_s)
