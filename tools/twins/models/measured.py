"""`Measured`: a component with measurements that cause alarms and faults, and with a contactor; of `Bms` and `Rack`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from tools.twins.models.fields import FieldSpec
from tools.twins.models.measurement import Measurement, specs_of_measurement
from tools.twins.models.model import Model


@dataclass(kw_only=True, eq=False)
class Measured(Model):
    """A component with measurements.

    Attributes:
        faulted: a measurement was beyond its threshold, or it tripped; stays so until `reset_cmd`.
        fault: why.
        alarmed: a measurement is beyond the threshold of an alarm.
        disable_fault: measurements cause no fault.
        trip_cmd: a fault to inject: trip.
        over_temperature: a fault to inject: its cells are too hot until this is false again.
        reset_cmd: clear a fault whose reason is gone.
    """

    # Measurement -> the range of its value.
    measurements: ClassVar[Mapping[str, tuple[float | None, float | None]]] = {}

    faulted: bool = False
    fault: str = ""
    alarmed: bool = False
    disable_fault: bool = False
    trip_cmd: bool = False
    over_temperature: bool = False
    reset_cmd: bool = False

    @classmethod
    def more_specs(cls) -> Mapping[str, FieldSpec]:
        """Return the fields of its measurements."""
        found: dict[str, FieldSpec] = {}
        for name, (low, high) in cls.measurements.items():
            found |= specs_of_measurement(name, low, high)
        return found

    def read(self, attribute: str) -> Any:
        """Return a field, also one of a measurement."""
        if "." not in attribute:
            return getattr(self, attribute)
        name, _, part = attribute.partition(".")
        return getattr(getattr(self, name), part)

    def write(self, attribute: str, value: Any) -> None:
        """Set a field, also one of a measurement."""
        name, _, part = attribute.partition(".")
        if part:
            setattr(getattr(self, name), part, value)
        else:
            setattr(self, name, value)

    def take_faults(self) -> None:
        """Trip and reset by command."""
        if self.reset_cmd:
            self.reset_cmd = False
            if not self.trip_cmd and not any(self.read(name).is_faulty for name in self.measurements):
                self.faulted, self.fault = False, ""
        if self.trip_cmd:
            self.trip_cmd = False
            self.trip("trip")

    def trip(self, reason: str) -> None:
        """Be faulted until a reset; the first reason stays."""
        self.fault = self.fault if self.faulted else reason
        self.faulted = True

    def judge(self, further: Iterable[bool] = ()) -> None:
        """Compare all measurements with their thresholds; what is beyond one of a fault trips."""
        self.alarmed = any(further)
        for name in self.measurements:
            measurement: Measurement = getattr(self, name)
            if measurement.judge():
                continue
            self.alarmed = self.alarmed or measurement.alarm_high or measurement.alarm_low
            if measurement.is_faulty and not self.disable_fault:
                self.trip(f"{name} {'high' if measurement.fault_high else 'low'}")
