"""`Bms`: a battery of racks on the DC side of a converter (reference: engine.md 5.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tools.twins.models.cells import Voltage, warmed
from tools.twins.models.fields import private, quantity
from tools.twins.models.maths import charged, interpolate, power_for, series_loss
from tools.twins.models.measured import Measured
from tools.twins.models.measurement import Measurement
from tools.twins.models.rack import Rack
from tools.twins.models.terminal import Terminal
from tools.twins.models.words import StatusValue


def _thresholds(value: float, low_fault: float, low: float, high: float, high_fault: float) -> Measurement:
    return Measurement(value, high_fault, high, low, low_fault)


@dataclass(kw_only=True, eq=False)
class Bms(Measured):
    """A battery with its management. Without control it allows no power.

    Attributes:
        cap: capacity of all racks, kWh.
        racks: how many; they share the power so that they are empty, or full, at the same time.
        racks_in_service: how many are connected.
        on: its contactors are closed.
        on_cmd: close them.
        off_cmd: open them.
        dc_contactor: closed.
        dc_contactor_stuck: a fault to inject: it does not move.
        precharge_time: s from the command to the closed contactor.
        precharging: it is about to close.
        vnom: rated voltage, V.
        inom: rated current, A.
        cells: cells in series in a rack; 0 is what `vnom` makes likely.
        vdc: voltage of the battery, V.
        idc: current, A.
        p: power that it delivers, kW.
        pmax: rated power, kW.
        pdischarge: what it can deliver now, kW.
        pcharge: what it can take now, kW.
        idleloss: its loss at no load while the contactors are closed, kW.
        rte: round trip efficiency at rated power, %.
        losses: kW, as of the last tick.
        soc: state of charge, %.
        soh: state of health, %.
        ambient: temperature around it, °C.
        heating: K that it is warmer for each kW of losses.
        thermal_tau: how fast it warms up, s.
        cell_volt_range: how much cell voltages differ, as a fraction.
        cell_temp_range: how much cell temperatures differ, K.
        cap_range: how much the racks' capacities differ, as a fraction.
        soc_charge_vec: states of charge of `p_charge_vec`, which is a fraction of `pmax`.
    """

    side: ClassVar[str] = "dc"
    legacy: ClassVar[Mapping[str, str]] = {"numracks": "racks"}
    measurements: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {
        "soc": (0.0, 100.0),
        "maxcellvolt": (None, None),
        "mincellvolt": (None, None),
        "maxcelltemp": (None, None),
        "mincelltemp": (None, None),
    }

    cap: float = quantity(1000.0, low=1e-6)
    racks: int = quantity(1, low=1, high=1000)
    racks_in_service: int = 0
    on: bool = False
    on_cmd: bool = False
    off_cmd: bool = False
    dc_contactor: bool = False
    dc_contactor_open_cmd: bool = False
    dc_contactor_close_cmd: bool = False
    dc_contactor_stuck: bool = False
    precharge_time: float = quantity(0.0, low=0)
    precharging: bool = False
    vnom: float = quantity(1330.0, low=1)
    inom: float = quantity(0.0, low=0)
    cells: int = quantity(0, low=0, high=100_000)
    vdc: float = 0.0
    idc: float = 0.0
    p: float = 0.0
    pmax: float = quantity(1000.0, low=0)
    pdischarge: float = 0.0
    pcharge: float = 0.0
    idleloss: float = quantity(0.0, low=0)
    rte: float = quantity(0.0, low=0, high=100)
    losses: float = 0.0
    soh: float = quantity(100.0, low=0, high=100)
    ambient: float = 25.0
    heating: float = quantity(0.1, low=0)
    thermal_tau: float = quantity(3600.0, low=1)
    avgcellvolt: float = 0.0
    avgcelltemp: float = 25.0
    cell_volt_range: float = quantity(0.005, low=0, high=1)
    cell_temp_range: float = quantity(3.0, low=0)
    cap_range: float = quantity(0.0, low=0, high=0.5)
    r0: float = quantity(0.0, low=0)
    r1: float = quantity(0.0, low=0)
    tau: float = quantity(1500.0, low=1)
    enable_voltage_dynamics: bool = False
    soc: Measurement = field(default_factory=lambda: _thresholds(50.0, -1, 2, 98, 101))
    maxcellvolt: Measurement = field(default_factory=Measurement)
    mincellvolt: Measurement = field(default_factory=Measurement)
    maxcelltemp: Measurement = field(default_factory=lambda: _thresholds(25.0, -35, -30, 55, 60))
    mincelltemp: Measurement = field(default_factory=lambda: _thresholds(25.0, -35, -30, 55, 60))
    vdc_profile: Sequence[float] = ()
    soc_profile: Sequence[float] = ()
    soc_charge_vec: Sequence[float] = ()
    p_charge_vec: Sequence[float] = ()
    soc_discharge_vec: Sequence[float] = ()
    p_discharge_vec: Sequence[float] = ()
    fault_cfg: tuple[StatusValue, ...] = ()
    alarm_cfg: tuple[StatusValue, ...] = ()
    sbmu: tuple[Rack, ...] = ()
    _series: float = private(0.0)
    _remaining_s: float = private(0.0)
    _is_made: bool = private(False)
    _voltage: Voltage = field(default_factory=lambda: Voltage((0.0,), (0.0,)), init=False, repr=False)
    # What it can deliver and take within this tick.
    _most: tuple[float, float] = private((0.0, 0.0))

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sbmu:
            self.sbmu = tuple(Rack(id=f"{self.id}_sbmu_{number + 1}") for number in range(self.racks))
        shares = [1 + self._random.uniform(-self.cap_range, self.cap_range) for _ in self.sbmu]
        for rack, share in zip(self.sbmu, shares, strict=True):
            rack.cap, rack.soc = self.cap * share / sum(shares), self.soc.value
        self._is_made = True
        self.changed()

    def changed(self) -> None:
        """Compute anew what depends on settings."""
        self._series = series_loss(self.pmax, self.rte, self.idleloss)
        dynamics = (self.r0, self.r1, self.tau) if self.enable_voltage_dynamics else (0.0, 0.0, self.tau)
        count = max(1, self.racks)
        voltage = self._voltage
        voltage.socs, voltage.volts = self.soc_profile or (0.0,), self.vdc_profile or (self.vnom,)
        voltage.r0, voltage.r1, voltage.tau_s = dynamics[0] / count, dynamics[1] / count, dynamics[2]
        if self._is_made:
            self._show(self.p, 0.0)

    def write(self, attribute: str, value: Any) -> None:
        """Set a field; a state of charge is that of all racks."""
        super().write(attribute, value)
        if attribute == "soc.value":
            for rack in self.sbmu:
                rack.soc = value

    @property
    def values(self) -> dict[str, Any]:
        """All fields, and the entries of the fault and alarm words that hold."""
        return {**super().values, "faults": self.shown(self.fault_cfg), "alarms": self.shown(self.alarm_cfg)}

    # -- commands --------------------------------------------------------------------------------------------------

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Move the contactors; a fault opens them."""
        self.read_words()
        self.take_faults()
        wants_open = self.dc_contactor_open_cmd or self.off_cmd or self.faulted
        wants_close = self.dc_contactor_close_cmd or self.on_cmd
        if not self.dc_contactor_stuck:
            if wants_open:
                self.dc_contactor = self.precharging = False
            elif wants_close and not self.dc_contactor and not self.precharging:
                self.precharging, self._remaining_s = True, self.precharge_time
            if self.precharging and self._remaining_s <= 0:
                self.dc_contactor, self.precharging = True, False
        self.on_cmd = self.off_cmd = self.dc_contactor_open_cmd = self.dc_contactor_close_cmd = False
        self.on = self.dc_contactor
        for rack in self.sbmu:
            rack.take_commands(self.dc_contactor)
        self.racks_in_service = sum(rack.in_service for rack in self.sbmu)
        return terminal

    # -- power -----------------------------------------------------------------------------------------------------

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Hand up what it could deliver and take within this tick; it does as the others on its bus need."""
        if not self.racks_in_service:
            self._most = 0.0, 0.0
            return Terminal()
        self._show_limits()
        kwh, full = self._energy()
        # An empty one asks for nothing: nobody may be there to cover its losses.
        discharge = max(0.0, min(self.pdischarge, power_for(kwh * 3600 / dt_s, self.idleloss, self._series)))
        charge = min(self.pcharge, -power_for((kwh - full) * 3600 / dt_s, self.idleloss, self._series))
        self._most = discharge, charge
        return Terminal(vdc=self.vdc, discharge=discharge, charge=charge)

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Take its share of what is asked of the stores on this bus, as it could."""
        self.p = terminal.stores_share(*self._most)
        return terminal

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Store or take energy, and show it."""
        self._remaining_s = max(0.0, self._remaining_s - dt_s)
        if not self.racks_in_service:
            self.p = self.losses = 0.0
        else:
            kwh, _ = self._energy()
            # An empty battery has nothing left to lose.
            self.losses = min(self.idleloss + self._series * self.p * self.p, kwh * 3600 / dt_s - self.p)
        self._carry(dt_s)
        self._show(self.p, dt_s)
        self.judge((self.control_lost, *(rack.alarmed for rack in self.sbmu)))
        return Terminal(p=self.p, vdc=self.vdc if self.racks_in_service else 0.0)

    def _energy(self) -> tuple[float, float]:
        """Return what the racks in service hold, and what they could, kWh."""
        racks = [rack for rack in self.sbmu if rack.in_service]
        return sum(rack.soc / 100 * rack.cap for rack in racks), sum(rack.cap for rack in racks)

    def _carry(self, dt_s: float) -> None:
        total = self.p + self.losses
        racks = [rack for rack in self.sbmu if rack.in_service]
        weights = [(rack.soc if total > 0 else 100 - rack.soc) * rack.cap for rack in racks]
        if not sum(weights):
            weights = [rack.cap for rack in racks]
        whole = sum(weights)
        shares = dict(zip((rack.id for rack in racks), weights, strict=True))
        for rack in self.sbmu:
            share = shares.get(rack.id, 0.0) / whole if whole else 0.0
            rack.carry(self.p * share, total * share * dt_s / 3600, self.vdc)

    def _show(self, p: float, dt_s: float) -> None:
        counted = [rack for rack in self.sbmu if rack.in_service] or self.sbmu
        self.soc.value = charged(sum(rack.soc * rack.cap for rack in counted) / sum(rack.cap for rack in counted))
        self.vdc = self._voltage.after(self.soc.value, p, dt_s)
        self.idc = p * 1000 / self.vdc if self.vdc else 0.0
        cell = self.vdc / (self.cells or max(1, round(self.vnom / 3.2)))
        self.avgcellvolt = cell
        self.maxcellvolt.value = cell * (1 + self.cell_volt_range / 2)
        self.mincellvolt.value = cell * (1 - self.cell_volt_range / 2)
        self.avgcelltemp = warmed(self.avgcelltemp, self.ambient, self.heating * self.losses, self.thermal_tau, dt_s)
        half = self.cell_temp_range / 2
        self.maxcelltemp.value, self.mincelltemp.value = self.avgcelltemp + half, self.avgcelltemp - half
        if self.over_temperature:
            self.maxcelltemp.value = max(self.maxcelltemp.value, self.maxcelltemp.fault_high_threshold + 5)
        self._show_limits()
        self._show_racks()

    def _show_racks(self) -> None:
        for rack in self.sbmu:
            rack.vdc = self.vdc
            rack.avgcellvolt = self.avgcellvolt
            rack.maxcellvolt, rack.mincellvolt = self.maxcellvolt.value, self.mincellvolt.value
            rack.avgcelltemp = self.avgcelltemp
            rack.maxcelltemp, rack.mincelltemp = self.maxcelltemp.value, self.mincelltemp.value

    def _show_limits(self) -> None:
        """Show what it can deliver and take: its rated power, as the racks in service and the tables allow."""
        is_usable = not self.faulted and not self.control_lost
        most = self.pmax * self.racks_in_service / len(self.sbmu) if is_usable else 0.0
        soc = self.soc.value
        charge = interpolate(soc, self.soc_charge_vec, self.p_charge_vec) if self.soc_charge_vec else 1.0
        discharge = interpolate(soc, self.soc_discharge_vec, self.p_discharge_vec) if self.soc_discharge_vec else 1.0
        # A full one still takes what it loses.
        holds = -power_for(0.0, self.idleloss, self._series) or 0.0
        self.pcharge = most * charge if soc < 100 else min(most, holds)
        self.pdischarge = most * discharge if soc > 0 else 0.0
