"""`GridForming`: how a converter or a generator is told to hold a grid, and how the grid gives way under load."""

from __future__ import annotations

from dataclasses import dataclass

from tools.twins.models.fields import quantity
from tools.twins.models.maths import droop_slope
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class GridForming:
    """What can hold a grid.

    Attributes:
        grid_forming: it holds voltage and frequency, and the load decides its power.
        vcmd: the voltage that it holds at no reactive power, V.
        fcmd: the frequency that it holds at no load, Hz.
        dactive: droop of the frequency at rated power, as a fraction of `fcmd`; 0 does not give way.
        dreactive: droop of the voltage.
    """

    grid_forming: bool = False
    grid_forming_cmd: bool = False
    grid_following_cmd: bool = False
    vcmd: float = quantity(480.0, low=1)
    fcmd: float = quantity(60.0, low=1)
    dactive: float = quantity(0.05, low=0, high=1)
    dreactive: float = quantity(0.05, low=0, high=1)

    def take_forming(self) -> None:
        """Do what the commands ask for, which clear themselves; to follow wins."""
        if self.grid_forming_cmd or self.grid_following_cmd:
            self.grid_forming = self.grid_forming_cmd and not self.grid_following_cmd
            self.grid_forming_cmd = self.grid_following_cmd = False

    def load_line(self, p_rated: float, q_rated: float) -> Terminal:
        """Return the load line of the grid that it holds, by its rated power in kW and kvar."""
        d_hertz = droop_slope(p_rated, self.fcmd, self.dactive)
        d_volts = droop_slope(q_rated, 1.0, self.dreactive)
        return Terminal(v=self.vcmd, f=self.fcmd, d_hertz=d_hertz, d_volts=d_volts)
