"""`DcBus`, `Dcdc` and `Pv`: what stands on the DC side of a converter besides batteries."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tools.twins.models.fields import private, quantity
from tools.twins.models.maths import clamp, interpolate, power_for, series_loss
from tools.twins.models.model import Model
from tools.twins.models.switching import switch
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class DcBus(Model):
    """A DC bus: what is connected to it has its voltage.

    Attributes:
        vdc: voltage, V: what the converter above holds, or that of the batteries.
        idc: current to the converter above, A.
        p: power to it, kW.
        plim: rated power, kW; for information.
        vnom: rated voltage, V; for information.
    """

    side: ClassVar[str] = "dc"
    below: ClassVar[str | None] = "dc"

    vdc: float = 0.0
    idc: float = 0.0
    p: float = 0.0
    plim: float = 0.0
    vnom: float = 0.0
    _below: float = private(0.0)

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Hand down what is held above, or what the batteries had in the last tick."""
        self.vdc = terminal.vdc or self._below
        return Terminal(vdc=self.vdc)

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Hand up what comes together."""
        self._below = terminal.vdc
        self.vdc = self.vdc if self.vdc > 0 else terminal.vdc
        return terminal

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what comes together."""
        self.p = terminal.p
        self.idc = self.p * 1000 / self.vdc if self.vdc else 0.0
        return terminal


@dataclass(kw_only=True, eq=False)
class Dcdc(Model):
    """A converter between a DC bus and a battery.

    Where a converter above holds the voltage of the bus, it follows its set point; otherwise it gives what is missing.

    Attributes:
        on: it works.
        standby: it works without power.
        pcmd: power wanted on the side of the bus, kW.
        plim: rated power, kW.
        rte: round trip efficiency at rated power, %.
        idleloss: its loss at no load while it is on, kW.
        losses: kW, as of the last tick.
        vdc: voltage of the battery, V.
        vdc2: voltage of the bus, V.
        vdc2cmd: the voltage that it gives the bus, V; 0 is that of the battery.
        vdc2max: the most that it gives it; 0 is no limit.
        p: power to the bus, kW.
        trip_cmd: a fault to inject: off until `reset_cmd`.
    """

    side: ClassVar[str] = "dc"
    below: ClassVar[str | None] = "dc"

    on: bool = False
    on_cmd: bool = True
    off_cmd: bool = False
    standby: bool = False
    standby_cmd: bool = False
    pcmd: float = 0.0
    plim: float = quantity(1000.0, low=0)
    rte: float = quantity(0.0, low=0, high=100)
    idleloss: float = quantity(0.0, low=0)
    losses: float = 0.0
    vnom: float = 0.0
    vdc: float = 0.0
    idc: float = 0.0
    vdc2: float = 0.0
    idc2: float = 0.0
    vdc2cmd: float = quantity(0.0, low=0)
    vdc2max: float = quantity(0.0, low=0)
    p: float = 0.0
    faulted: bool = False
    trip_cmd: bool = False
    reset_cmd: bool = False
    _series: float = private(0.0)
    _is_held: bool = private(False)
    _most: tuple[float, float] = private((0.0, 0.0))
    _below: Terminal = field(default_factory=Terminal, init=False, repr=False)

    def changed(self) -> None:
        """Compute the losses anew."""
        self._series = series_loss(self.plim, self.rte, self.idleloss)

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Take commands."""
        self.read_words()
        self.faulted = (self.faulted and not self.reset_cmd) or self.trip_cmd
        if self.off_cmd or self.faulted:
            self.on = self.standby = False
        elif self.on_cmd:
            self.on, self.standby = True, False
        elif self.standby_cmd and self.on:
            self.standby = True
        self.on_cmd = self.off_cmd = self.standby_cmd = self.trip_cmd = self.reset_cmd = False
        # What is held above; a DC bus hands down in this step what it got.
        self._is_held = terminal.vdc > 0
        return Terminal()

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Take the voltage of the bus; below it there is only what the battery gives."""
        self.vdc2 = terminal.vdc
        return Terminal()

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Follow the set point, or hand up what the battery could deliver and take."""
        self._below = terminal
        self.vdc = terminal.vdc
        self.p = 0.0
        self._most = 0.0, 0.0
        if not self.on or self.standby or self.vdc <= 0:
            return Terminal()
        high = min(self.plim, power_for(terminal.p + terminal.discharge, self.idleloss, self._series))
        low = max(-self.plim, power_for(terminal.p - terminal.charge, self.idleloss, self._series))
        if self._is_held:
            self.p = clamp(self.pcmd, min(low, high), high)
            return Terminal(p=self.p)
        self._most = high, -low
        volts = self.vdc2cmd or self.vdc
        self.vdc2 = min(volts, self.vdc2max) if self.vdc2max else volts
        return Terminal(vdc=self.vdc2, discharge=high, charge=-low)

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Take its share, and ask the battery for it and for the own losses."""
        discharge, charge = self._most
        if (discharge, charge) != (0.0, 0.0):
            self.p = terminal.stores_share(discharge, charge)
        is_working = self.on and not self.standby and self.vdc > 0
        self.losses = self.idleloss + self._series * self.p * self.p if is_working else 0.0
        below = self._below
        asked = self.p + self.losses - below.p
        return Terminal(p=asked, vdc=below.vdc, discharge=below.discharge, charge=below.charge)

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what was delivered."""
        self.idc = terminal.p * 1000 / self.vdc if self.vdc else 0.0
        self.idc2 = self.p * 1000 / self.vdc2 if self.vdc2 else 0.0
        return Terminal(p=self.p, vdc=self.vdc2)


@dataclass(kw_only=True, eq=False)
class Pv(Model):
    """A field of solar panels on a DC bus.

    With `pctrlmodecmd` it follows its set point as far as the sun allows, otherwise its current follows from the
    voltage of the bus.

    Attributes:
        on: it works.
        pctrlmodecmd: it follows `pcmd`.
        pcmd: power wanted, kW.
        pmax: power at full sun in the best point of its curve, kW.
        maxvlt: open voltage at full sun, V.
        irradiation_cmd: the sun, as a fraction of full sun.
        p: power, kW.
        pavailable: what the sun allows, kW.
        vdc_profile: voltages of its curve, as fractions of `maxvlt`, ascending.
        idc_profile: the current at each, as a fraction.
        irr_pct_breakpts: fractions of full sun, ascending.
        irr_curr_effect: the current at each, as a fraction.
        irr_volt_effect: the voltage at each, as a fraction.
    """

    side: ClassVar[str] = "dc"

    on: bool = False
    on_cmd: bool = True
    off_cmd: bool = False
    pctrlmodecmd: bool = False
    pcmd: float = 0.0
    pmax: float = quantity(1000.0, low=0)
    maxvlt: float = quantity(1500.0, low=1)
    irradiation_cmd: float = quantity(1.0, low=0, high=2)
    p: float = 0.0
    pavailable: float = 0.0
    vdc: float = 0.0
    idc: float = 0.0
    faulted: bool = False
    trip_cmd: bool = False
    reset_cmd: bool = False
    vdc_profile: Sequence[float] = (0.0, 0.8, 1.0)
    idc_profile: Sequence[float] = (1.0, 0.9, 0.0)
    irr_pct_breakpts: Sequence[float] = (0.0, 1.0)
    irr_curr_effect: Sequence[float] = (0.0, 1.0)
    irr_volt_effect: Sequence[float] = (1.0, 1.0)
    # Amperes where the profile says 1, so that the best point gives `pmax`.
    _amperes: float = private(0.0)

    def changed(self) -> None:
        """Find the best point of the curve."""
        best = max(self._curve(step / 200) * step / 200 for step in range(1, 201))
        self._amperes = self.pmax * 1000 / (best * self.maxvlt) if best > 0 else 0.0

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Switch on or off."""
        self.read_words()
        switch(self)
        return terminal

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Take the voltage of the bus."""
        self.vdc = terminal.vdc
        return terminal

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Deliver; nothing into a bus without voltage."""
        sun = self.irradiation_cmd
        current = interpolate(sun, self.irr_pct_breakpts, self.irr_curr_effect)
        voltage = interpolate(sun, self.irr_pct_breakpts, self.irr_volt_effect)
        self.pavailable = self.pmax * current * voltage
        self.p = 0.0
        if self.on and self.vdc > 0:
            along = self.vdc / (self.maxvlt * voltage) if voltage > 0 else math.inf
            curve = max(0.0, self._curve(along)) * current * self._amperes * self.vdc / 1000
            self.p = clamp(self.pcmd, 0.0, self.pavailable) if self.pctrlmodecmd else curve
        return Terminal(p=self.p)

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Show what was delivered."""
        self.idc = self.p * 1000 / self.vdc if self.vdc else 0.0
        return Terminal(p=self.p)

    def _curve(self, voltage: float) -> float:
        return interpolate(voltage, self.vdc_profile, self.idc_profile)
