"""`Measurement`: a measured value with thresholds for alarms and faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tools.twins.models.fields import FieldSpec

_NEVER: Final = 1e9
# Field of a measurement on the bus -> attribute, kind; the value has the name of the measurement alone.
_PARTS: Final = {
    "faulthigh": ("fault_high", "bool"),
    "alarmhigh": ("alarm_high", "bool"),
    "alarmlow": ("alarm_low", "bool"),
    "faultlow": ("fault_low", "bool"),
    "faulthighthreshold": ("fault_high_threshold", "float"),
    "alarmhighthreshold": ("alarm_high_threshold", "float"),
    "alarmlowthreshold": ("alarm_low_threshold", "float"),
    "faultlowthreshold": ("fault_low_threshold", "float"),
}


@dataclass(slots=True)
class Measurement:
    """A value, and whether it is beyond a threshold; without one it never is."""

    value: float = 0.0
    fault_high_threshold: float = _NEVER
    alarm_high_threshold: float = _NEVER
    alarm_low_threshold: float = -_NEVER
    fault_low_threshold: float = -_NEVER
    fault_high: bool = False
    alarm_high: bool = False
    alarm_low: bool = False
    fault_low: bool = False

    def judge(self) -> bool:
        """Compare the value with the thresholds; tell whether it is within all of them."""
        value = self.value
        self.fault_high = value > self.fault_high_threshold
        self.alarm_high = value > self.alarm_high_threshold
        self.alarm_low = value < self.alarm_low_threshold
        self.fault_low = value < self.fault_low_threshold
        return not (self.fault_high or self.alarm_high or self.alarm_low or self.fault_low)

    @property
    def is_faulty(self) -> bool:
        """Whether it is beyond a threshold of a fault."""
        return self.fault_high or self.fault_low


def specs_of_measurement(name: str, low: float | None = None, high: float | None = None) -> Mapping[str, FieldSpec]:
    """Return the fields of the measurement `name`: ``soc``, ``soc_faulthigh``, ``soc_faulthighthreshold`` ..."""
    return {spec.name: spec for spec in _specs(name, low, high)}


def _specs(name: str, low: float | None, high: float | None) -> Iterator[FieldSpec]:
    yield FieldSpec(name, f"{name}.value", "float", low, high)
    for part, (attribute, kind) in _PARTS.items():
        yield FieldSpec(f"{name}_{part}", f"{name}.{attribute}", kind)
