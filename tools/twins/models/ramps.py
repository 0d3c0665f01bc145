"""`Ramps`: how fast a converter changes its power: rising, dropping, starting, stopping, each for p and q."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from tools.twins.models.electrical import Electrical
from tools.twins.models.maths import travel

Axis = Literal["p", "q"]
Phase = Literal["rise", "drop", "start", "stop"]


@dataclass(kw_only=True, eq=False)
class Ramps(Electrical):
    """The ramps, in percent of rated power per second, or with `abs_ramp_rate` in MW per minute; 0 is no ramp.

    Rising is away from zero, dropping back to it. The start ramp holds from switching on until the first set point is
    reached, the stop ramp from a command off until there is no power.

    Attributes:
        ramp_enable: all ramps hold, whether they are enabled themselves or not.
        abs_ramp_rate: the rates are in MW/min and Mvar/min.
    """

    ramp_enable: bool = False
    abs_ramp_rate: bool = False
    p_ramp_rise: float = 0.0
    p_ramp_drop: float = 0.0
    p_ramp_start: float = 0.0
    p_ramp_stop: float = 0.0
    p_ramp_rise_enable: bool = False
    p_ramp_drop_enable: bool = False
    p_ramp_start_enable: bool = False
    p_ramp_stop_enable: bool = False
    q_ramp_rise: float = 0.0
    q_ramp_drop: float = 0.0
    q_ramp_start: float = 0.0
    q_ramp_stop: float = 0.0
    q_ramp_rise_enable: bool = False
    q_ramp_drop_enable: bool = False
    q_ramp_start_enable: bool = False
    q_ramp_stop_enable: bool = False

    def rate(self, axis: Axis, phase: Phase, rated: float) -> float:
        """Return a rate in kW/s (kvar/s); infinite where no ramp holds."""
        name = f"{axis}_ramp_{phase}"
        rate = abs(float(getattr(self, name)))
        if rate == 0 or not (self.ramp_enable or getattr(self, f"{name}_enable")):
            return math.inf
        return rate * 1000 / 60 if self.abs_ramp_rate else rate / 100 * rated

    def ramped(self, axis: Axis, now: float, target: float, rated: float, dt_s: float, phase: Phase | None) -> float:
        """Return the power after a tick on the way from `now` to `target`; `phase` is start, stop, or neither."""
        if now == target:
            return target
        if phase is not None:
            rate = self.rate(axis, phase, rated)
            if rate != math.inf:
                return travel(now, target, rate, rate, dt_s)
        rise, drop = self.rate(axis, "rise", rated), self.rate(axis, "drop", rated)
        return travel(now, target, rise, drop, dt_s)
