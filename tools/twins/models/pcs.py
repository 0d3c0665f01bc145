"""`Pcs`: a converter between the grid and a DC bus (reference: engine.md 5.4)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tools.twins.models.converter import Converter
from tools.twins.models.fields import private, quantity
from tools.twins.models.maths import clamp, power_for, series_loss
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Pcs(Converter):
    """A power conversion system.

    It follows its set point as far as the stores on its DC side can deliver or take, or, in constant DC mode, delivers
    what the DC side gives it.

    Attributes:
        plim: rated active power, kW.
        qlim: rated reactive power, kvar.
        slim: rated apparent power, kVA; 0 is not limited. Active power goes first.
        rte: round trip efficiency at rated power, %.
        idleloss: its loss at no load while it runs, kW.
        losses: kW, as of the last tick.
        const_dc_mode_cmd: it holds the DC voltage; false is power mode.
        vdccmd: the DC voltage that it holds, V.
        vdc: DC voltage, V.
        idc: DC current, A.
        pdc: what the DC side delivers, kW.
        temperature: of its power stage, °C.
        ppercent: the most active power that it may have, in percent of `plim`.
        qpercent: the most reactive power, in percent of `qlim`.
        spercent: the most apparent power, in percent of `slim`.
        home_pcmd: the set point to return to when its control is lost, kW; for watchdogs.
        home_qcmd: the same, kvar.
        kwh_delivered: to the grid.
        kwh_received: from the grid.
    """

    below: ClassVar[str | None] = "dc"
    legacy: ClassVar[Mapping[str, str]] = {**Converter.legacy, "vaccmd": "vcmd"}

    plim: float = quantity(1000.0, low=0)
    qlim: float = quantity(1000.0, low=0)
    slim: float = quantity(0.0, low=0)
    rte: float = quantity(0.0, low=0, high=100)
    idleloss: float = quantity(0.0, low=0)
    losses: float = 0.0
    const_dc_mode_cmd: bool = False
    vdccmd: float = quantity(1330.0, low=0)
    vdc: float = 0.0
    idc: float = 0.0
    pdc: float = 0.0
    temperature: float = 35.0
    ppercent: float = quantity(100.0, low=0, high=100)
    qpercent: float = quantity(100.0, low=0, high=100)
    spercent: float = quantity(100.0, low=0, high=100)
    home_pcmd: float = 0.0
    home_qcmd: float = 0.0
    kwh_delivered: float = quantity(0.0, low=0)
    kwh_received: float = quantity(0.0, low=0)
    _series: float = private(0.0)
    _dc: Terminal = field(default_factory=Terminal, init=False, repr=False)

    def changed(self) -> None:
        """Compute the losses anew."""
        self._series = series_loss(self.plim, self.rte, self.idleloss)

    def rated(self) -> tuple[float, float]:
        """Return rated active and reactive power."""
        return self.plim, self.qlim

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q."""
        p, q = self.plim * self.ppercent / 100, self.qlim * self.qpercent / 100
        return -p, p, -q, q

    @property
    def holds_dc(self) -> bool:
        """Whether it holds the DC voltage."""
        return self.const_dc_mode_cmd and self.is_delivering and not self.grid_forming

    def is_ready(self) -> bool:
        """Tell whether there is a DC voltage, or it makes one itself."""
        return self.vdc > 0 or self.const_dc_mode_cmd

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Take commands, and say below whether the DC voltage is held."""
        self.take_commands()
        return self._held()

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Take the voltage; without one, what follows the grid is off."""
        self.connect(terminal)
        if terminal.v <= 0 and not self.line().d_hertz:
            self.lose_voltage()
        return self._held()

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Follow the set points as far as the DC side can, or deliver what it gives."""
        self._dc = terminal
        self._look_at_dc()
        self.p = self.q = 0.0
        if self.grid_forming and self.is_delivering:
            return Terminal()
        p, q = self.wanted(dt_s)
        if self.is_delivering:
            p = power_for(terminal.p, self.idleloss, self._series) if self.holds_dc else self.noisy(p)
            self.p, self.q = self._within(p, q)
        return Terminal(p=self.p, q=self.q)

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Ask the stores on the DC side for what is missing there."""
        line = self.line()
        if line.d_hertz:
            self.p, self.q = self._within(*terminal.share(line))
            self._p, self._q = self.p, self.q
        self.losses = self.idleloss + self._series * self.p * self.p if self.is_delivering else 0.0
        dc = self._dc
        return Terminal(p=self.p + self.losses - dc.p, vdc=dc.vdc, discharge=dc.discharge, charge=dc.charge)

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what was delivered."""
        self.wait(dt_s)
        self.pdc = terminal.p
        self.idc = self.pdc * 1000 / self.vdc if self.vdc else 0.0
        self.meter(self.p, self.q, dt_s)
        self.kwh_delivered += max(0.0, self.p) * dt_s / 3600
        self.kwh_received += max(0.0, -self.p) * dt_s / 3600
        return Terminal(p=self.p, q=self.q)

    def _held(self) -> Terminal:
        return Terminal(vdc=self.vdccmd if self.holds_dc else 0.0)

    def _look_at_dc(self) -> None:
        self.vdc = self.vdccmd if self.holds_dc else self._dc.vdc
        if self.vdc > 0 or self.const_dc_mode_cmd:
            return
        # It must not start by itself when a DC voltage appears later.
        self.on_cmd = self.starting = False
        if self.on:
            self.trip("DC under voltage")

    def _within(self, p: float, q: float) -> tuple[float, float]:
        low, high, q_low, q_high = self.bounds()
        dc = self._dc
        if not self.holds_dc:
            high = min(high, power_for(dc.p + dc.discharge, self.idleloss, self._series))
            low = max(low, power_for(dc.p - dc.charge, self.idleloss, self._series))
        slim = self.slim * self.spercent / 100
        if slim:
            low, high = max(low, -slim), min(high, slim)
        p = clamp(p, min(low, high), high)
        q = clamp(q, q_low, q_high)
        if slim:
            most = math.sqrt(max(0.0, slim**2 - p * p))
            q = clamp(q, -most, most)
        return p, q
