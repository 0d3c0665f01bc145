"""`Ess`: a store with its converter as one component: the twins model (reference: engine.md 5.2, 5.3)."""

from __future__ import annotations

from dataclasses import dataclass

from tools.twins.models.converter import Converter
from tools.twins.models.fields import private, quantity
from tools.twins.models.maths import charged, clamp, power_for, series_loss
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Ess(Converter):
    """An energy storage system.

    Attributes:
        cap: capacity, kWh.
        soc: state of charge, %.
        rte: round trip efficiency at rated power, %; 0 is without losses.
        idleloss: what it loses at no load while it runs, kW.
        phigh: rated power, kW: the most that it delivers.
        plow: the most that it takes, its sign does not matter; 0 is as much as it delivers.
        qhigh: the most reactive power that it delivers, kvar.
        qlow: the most that it takes, as `plow`.
        pdischarge: what it could deliver now, kW; 0 until the first tick.
        pcharge: what it could take now, kW.
        racks: how many it has.
        racks_in_service: how many are connected.
        losses: kW, as of the last tick.
        vdc: DC voltage, V.
        vdcnom: its voltage in the middle, V.
        idc: DC current, A.
    """

    cap: float = quantity(1000.0, low=1e-6)
    soc: float = quantity(50.0, low=0, high=100)
    rte: float = quantity(0.0, low=0, high=100)
    idleloss: float = quantity(0.0, low=0)
    phigh: float = quantity(1000.0, low=0)
    plow: float = 0.0
    qhigh: float = quantity(1000.0, low=0)
    qlow: float = 0.0
    pdischarge: float = 0.0
    pcharge: float = 0.0
    racks: int = quantity(1, low=0, high=10_000)
    racks_in_service: int = quantity(0, low=0, high=10_000)
    losses: float = 0.0
    vdc: float = 0.0
    vdcnom: float = quantity(1330.0, low=1)
    idc: float = 0.0
    _series: float = private(0.0)
    _share: tuple[float, float] | None = private(None)

    def changed(self) -> None:
        """Compute the losses anew."""
        self._series = series_loss(self.phigh, self.rte, self.idleloss)

    def rated(self) -> tuple[float, float]:
        """Return rated active and reactive power."""
        return self.phigh, self.qhigh

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q."""
        return -(abs(self.plow) or self.phigh), self.phigh, -(abs(self.qlow) or self.qhigh), self.qhigh

    def contactors_moved(self) -> None:
        """Connect or disconnect the racks."""
        self.racks_in_service = self.racks if self.dc_contactor else 0

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Take commands."""
        self.take_commands()
        return terminal

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Take the voltage; without one, what follows the grid is off, and what forms one too unless it is starting."""
        self.connect(terminal)
        if terminal.v <= 0 and not self.line().d_hertz:
            self.lose_voltage()
        return terminal

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Follow the set points as far as limits and the state of charge allow; the load decides if it forms a grid."""
        self._share = None
        if self.grid_forming and self.is_delivering:
            return Terminal()
        p, q = self.wanted(dt_s)
        if self.is_delivering:
            p = self._storable(clamp(self.noisy(p), -self.pcharge, self.pdischarge), dt_s)
        self.p, self.q = p, q
        return Terminal(p=p, q=q)

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Take its share of the load of the grid that it forms."""
        line = self.line()
        if line.d_hertz:
            self._share = terminal.share(line)
        return terminal

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Store or take energy, and show what was delivered."""
        if self._share is not None:
            p_low, p_high, q_low, q_high = self.bounds()
            p = self._storable(clamp(self._share[0], max(p_low, -self.pcharge), min(p_high, self.pdischarge)), dt_s)
            self.p, self.q = p, clamp(self._share[1], q_low, q_high)
            self._p, self._q = self.p, self.q
        self.wait(dt_s)
        self.losses = self._loss(self.p) if self.is_delivering else 0.0
        if self.is_delivering:
            self.soc = charged(self.soc - 100 * (self.p + self.losses) / self.cap * dt_s / 3600)
        self.meter(self.p, self.q, dt_s)
        self._show_limits()
        self.vdc = self.vdcnom if self.racks_in_service else 0.0
        self.idc = (self.p + self.losses) * 1000 / self.vdc if self.vdc else 0.0
        return Terminal(p=self.p, q=self.q)

    def _loss(self, p: float) -> float:
        return self.idleloss + self._series * p * p

    def _storable(self, p: float, dt_s: float) -> float:
        """Return `p`, or what empties or fills the store within this tick."""
        total = p + self._loss(p)
        kwh = self.soc / 100 * self.cap
        most, least = kwh * 3600 / dt_s, (kwh - self.cap) * 3600 / dt_s
        if total > most:
            return power_for(most, self.idleloss, self._series)
        if total < least:
            return power_for(least, self.idleloss, self._series)
        return p

    def _show_limits(self) -> None:
        # A full store still takes what it loses.
        holds = -power_for(0.0, self.idleloss, self._series) or 0.0 if self.is_delivering else 0.0
        p_low, p_high, _, _ = self.bounds()
        self.pdischarge = p_high if self.soc > 0 else 0.0
        self.pcharge = -p_low if self.soc < 100 else holds
