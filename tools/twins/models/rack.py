"""`Rack`: one of the racks of a BMS; a component of its own, ``ID_sbmu_1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tools.twins.models.fields import quantity
from tools.twins.models.maths import charged
from tools.twins.models.measured import Measured
from tools.twins.models.measurement import Measurement
from tools.twins.models.words import StatusValue


@dataclass(kw_only=True, eq=False)
class Rack(Measured):
    """A rack with its own contactor.

    Attributes:
        enabled: its contactor closes with that of the BMS.
        enable_cmd: enable it.
        disable_cmd: take it out of service; wins.
        offline: a fault to inject: it is gone for the BMS.
        dc_contactor: closed.
        in_service: it is connected and carries its share.
        cap: capacity, kWh.
        soc: state of charge, %.
        soh: state of health, %.
        p: power, kW.
        vdc: voltage, V.
        idc: current, A.
        maxcellvolt: V; as the others of its cells.
        maxcelltemp: °C.
        warning1trigger: a warning to inject; shown as `warning1cfg` says.
    """

    measurements: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {"idc": (None, None)}

    enabled: bool = True
    enable_cmd: bool = False
    disable_cmd: bool = False
    offline: bool = False
    dc_contactor: bool = False
    in_service: bool = False
    cap: float = quantity(100.0, low=1e-6)
    soc: float = quantity(50.0, low=0, high=100)
    soh: float = quantity(100.0, low=0, high=100)
    p: float = 0.0
    vdc: float = 0.0
    idc: Measurement = field(default_factory=Measurement)
    maxcellvolt: float = 0.0
    mincellvolt: float = 0.0
    avgcellvolt: float = 0.0
    maxcelltemp: float = 0.0
    mincelltemp: float = 0.0
    avgcelltemp: float = 0.0
    warning1trigger: bool = False
    warning2trigger: bool = False
    warning3trigger: bool = False
    warning4trigger: bool = False
    warning1_cfg: tuple[StatusValue, ...] = ()
    warning2_cfg: tuple[StatusValue, ...] = ()
    warning3_cfg: tuple[StatusValue, ...] = ()
    warning4_cfg: tuple[StatusValue, ...] = ()

    @property
    def values(self) -> dict[str, Any]:
        """All fields, and the warnings that hold."""
        warnings = {f"warning{n}": self.shown(getattr(self, f"warning{n}_cfg")) for n in (1, 2, 3, 4)}
        return {**super().values, **warnings}

    def take_commands(self, is_closed: bool) -> None:
        """Take commands; `is_closed` is whether the contactor of the BMS is."""
        if self._words:
            self.read_words()
        self.take_faults()
        if self.disable_cmd:
            self.enabled = False
        elif self.enable_cmd:
            self.enabled = True
        self.enable_cmd = self.disable_cmd = False
        self.dc_contactor = is_closed and self.enabled and not self.offline and not self.faulted
        self.in_service = self.dc_contactor

    def carry(self, p: float, energy_kwh: float, vdc: float) -> None:
        """Carry a share of the power; `energy_kwh` is what its store loses by that."""
        self.soc = charged(self.soc - 100 * energy_kwh / self.cap)
        self.p, self.vdc = p, vdc
        self.idc.value = p * 1000 / vdc if vdc else 0.0
        self.judge()
