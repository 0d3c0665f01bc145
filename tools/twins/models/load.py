"""`Steady`: what just delivers or takes its set points; `Load` and `Solar`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tools.twins.models.electrical import Electrical
from tools.twins.models.fields import private, quantity
from tools.twins.models.maths import clamp, reactive_for, slew
from tools.twins.models.switching import switch
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Steady(Electrical):
    """A component with set points, ramps in kW (kvar) per minute, and no store.

    Attributes:
        on: it works.
        on_cmd: switch on.
        off_cmd: switch off; wins.
        pcmd: active power wanted, kW.
        qcmd: reactive power wanted, kvar.
        pramp: how fast p changes, kW/min; 0 is at once.
        qramp: how fast q changes, kvar/min.
        pf_mode: `pf_cmd` decides the reactive power.
        noise: width of the noise of p, kW; its standard deviation is half of it.
        trip_cmd: a fault to inject: off until `reset_cmd`.
    """

    on: bool = False
    on_cmd: bool = True
    off_cmd: bool = False
    pcmd: float = 0.0
    qcmd: float = 0.0
    pramp: float = quantity(0.0, low=0)
    qramp: float = quantity(0.0, low=0)
    pf_mode: bool = False
    pf_cmd: float = quantity(1.0, low=-1, high=1)
    noise: float = quantity(0.0, low=0)
    faulted: bool = False
    trip_cmd: bool = False
    reset_cmd: bool = False
    _p: float = private(0.0)
    _q: float = private(0.0)

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q: low, high, low, high."""
        return -math.inf, math.inf, -math.inf, math.inf

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Switch on or off."""
        self.read_words()
        switch(self)
        return terminal

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Take the voltage."""
        self.connect(terminal)
        return terminal

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Follow the set points; without a voltage there is no power."""
        if not self.on or self.v <= 0:
            self._p = self._q = self.p = self.q = 0.0
            return Terminal()
        p_low, p_high, q_low, q_high = self.bounds()
        target_p, target_q = self.targets(dt_s)
        self._p = clamp(slew(self._p, target_p, self.pramp / 60 or math.inf, dt_s), p_low, p_high)
        self._q = clamp(slew(self._q, target_q, self.qramp / 60 or math.inf, dt_s), q_low, q_high)
        self.p = self._p + (self._random.gauss(0.0, self.noise / 2) if self.noise else 0.0)
        self.q = clamp(reactive_for(self._p, self.pf_cmd), q_low, q_high) if self.pf_mode else self._q
        return Terminal(p=self.p, q=self.q)

    def targets(self, dt_s: float) -> tuple[float, float]:
        """Return the set points within the limits."""
        p_low, p_high, q_low, q_high = self.bounds()
        return clamp(self.pcmd, p_low, p_high), clamp(self.qcmd, q_low, q_high)

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what was delivered."""
        self.meter(self.p, self.q, dt_s)
        return Terminal(p=self.p, q=self.q)


@dataclass(kw_only=True, eq=False)
class Load(Steady):
    """A load: what it takes is negative, as everywhere.

    Attributes:
        pmin: the smallest p, kW; both limits 0 is no limit.
        pmax: the largest p, kW.
        qmin: the smallest q, kvar.
        qmax: the largest q, kvar.
        random_walk: p wanders from where it is, by `noise` in a second.
    """

    pmin: float = 0.0
    pmax: float = 0.0
    qmin: float = 0.0
    qmax: float = 0.0
    random_walk: bool = False

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q."""
        p = (self.pmin, self.pmax) if self.pmin < self.pmax else (-math.inf, math.inf)
        q = (self.qmin, self.qmax) if self.qmin < self.qmax else (-math.inf, math.inf)
        return *p, *q

    def targets(self, dt_s: float) -> tuple[float, float]:
        """Return the set points, or the next step of the walk."""
        p, q = super().targets(dt_s)
        if self.random_walk and self.noise:
            p_low, p_high, _, _ = self.bounds()
            p = clamp((self._p or p) + self._random.gauss(0.0, self.noise * math.sqrt(dt_s)), p_low, p_high)
        return p, q


@dataclass(kw_only=True, eq=False)
class Solar(Steady):
    """A solar plant with its inverter.

    Attributes:
        plim: rated power, kW.
        qlim: rated reactive power, kvar.
        phigh: with `percent_cmd` the most that it delivers, in percent of `plim`.
        percent_cmd: `phigh` limits.
        irradiation_cmd: what the sun allows, as a fraction of `plim`.
    """

    plim: float = quantity(5000.0, low=0)
    qlim: float = quantity(5000.0, low=0)
    phigh: float = quantity(100.0, low=0, high=100)
    percent_cmd: bool = False
    irradiation_cmd: float = quantity(1.0, low=0, high=2)

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q."""
        high = min(self.plim * self.irradiation_cmd, self.plim * (self.phigh / 100 if self.percent_cmd else 1.0))
        return 0.0, high, -self.qlim, self.qlim
