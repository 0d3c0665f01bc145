"""`Grid`: the public grid at the root of a plant; `Bus`: a root without one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tools.twins.models.electrical import Electrical
from tools.twins.models.fields import private, quantity
from tools.twins.models.maths import droop_slope
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Bus(Electrical):
    """The head of a grid: where the sources that hold voltage and frequency meet what the others deliver.

    Attributes:
        unserved: what the sources could not deliver, kW; nothing where a public grid is.
    """

    below: ClassVar[str | None] = "ac"
    unserved: float = 0.0
    _lines: Terminal = field(default_factory=Terminal, init=False, repr=False)
    _demand: tuple[float, float] = private((0.0, 0.0))

    def load_lines(self, terminal: Terminal) -> Terminal:
        """Keep the load lines of the sources, and add the own one."""
        self._lines = self.line()
        self._lines.combine(terminal)
        return Terminal()

    def line(self) -> Terminal:
        """Return the own load line, if there is one."""
        return Terminal()

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Return the voltage where the sources balance the load of the last tick."""
        settled = self._lines.settled(*self._demand)
        self.connect(settled)
        return settled

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Keep what is left for the sources."""
        self._demand = -terminal.p, -terminal.q
        return Terminal()

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Ask the sources for what is left."""
        lines = self._lines
        p, q = self._demand
        self.connect(lines.settled(p, q))
        return Terminal(
            v=lines.v, f=lines.f, p=p, q=q,
            d_hertz=lines.d_hertz, d_volts=lines.d_volts, hertz=lines.hertz, volts=lines.volts,
        )  # fmt: skip

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what comes together here; more than nothing is what no source took or gave."""
        self.meter(terminal.p, terminal.q, dt_s)
        self.unserved = 0.0 if self.line().d_hertz else -terminal.p or 0.0
        return Terminal()


@dataclass(kw_only=True, eq=False)
class Grid(Bus):
    """The public grid. Its `p` is what the plant delivers into it.

    Attributes:
        on: there is a grid; false is a black-out.
        vcmd: its voltage, V.
        fcmd: its frequency, Hz.
        pnom: rated power of its droop, kW.
        qnom: rated reactive power of its droop, kvar.
        dactive: how far the frequency falls at `pnom`, as a fraction; 0 does not give way.
        dreactive: how far the voltage falls at `qnom`.
    """

    on: bool = True
    vcmd: float = quantity(480.0, low=0)
    fcmd: float = quantity(60.0, low=0)
    pnom: float = quantity(1e6, low=0)
    qnom: float = quantity(1e6, low=0)
    dactive: float = quantity(0.0, low=0, high=1)
    dreactive: float = quantity(0.0, low=0, high=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        # Plants give the voltage and frequency as v and f, older ones as vcmd and fcmd.
        self.vcmd, self.fcmd = self.v or self.vcmd, self.f or self.fcmd

    def line(self) -> Terminal:
        """Return its load line; none in a black-out."""
        if not self.on or self.vcmd <= 0 or self.fcmd <= 0:
            return Terminal()
        d_hertz = droop_slope(self.pnom, self.fcmd, self.dactive)
        d_volts = droop_slope(self.qnom, 1.0, self.dreactive)
        return Terminal(v=self.vcmd, f=self.fcmd, d_hertz=d_hertz, d_volts=d_volts)

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Take the control words."""
        self.read_words()
        return terminal
