"""`Converter`: how a grid converter is switched on and off, its contactors, ramps and limits; of `Ess` and `Pcs`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from tools.twins.models.fields import private, quantity
from tools.twins.models.grid_forming import GridForming
from tools.twins.models.maths import clamp, reactive_for
from tools.twins.models.ramps import Phase, Ramps
from tools.twins.models.terminal import Terminal

# Names of older plants, which deployed files still use.
_LEGACY: Final = {
    "kseparate": "contactorcontrol",
    "kac": "accontactor",
    "kacopencmd": "accontactoropencmd",
    "kacclosecmd": "accontactorclosecmd",
    "kdc": "dccontactor",
    "kdcopencmd": "dccontactoropencmd",
    "kdcclosecmd": "dccontactorclosecmd",
}


@dataclass(kw_only=True, eq=False)
class Converter(GridForming, Ramps):
    """A converter with contactors on both sides. Commands clear themselves when they were taken.

    Attributes:
        on: it runs.
        on_cmd: switch on; leaves standby.
        off_cmd: switch off; wins over `on_cmd`.
        standby: it runs without power.
        standby_cmd: go to standby; only while it runs.
        contactor_control: contactors move only by their own commands; otherwise on and off move them.
        ac_contactor: closed.
        dc_contactor: closed.
        start_time: s between a command on and running.
        pcmd: active power wanted, kW.
        qcmd: reactive power wanted, kvar.
        pf_mode: `pf_cmd` decides the reactive power.
        noise: width of the noise of p, kW; its standard deviation is half of it.
        faulted: it tripped; nothing but `reset_cmd` changes that.
        fault: why it tripped.
        trip_cmd: a fault to inject: trip.
        e_stop: the emergency stop is pressed; it trips until it is released and reset.
        over_temperature: a fault to inject: it is too hot until this is false again.
        ac_contactor_stuck: a fault to inject: the contactor does not move.
        dc_contactor_stuck: a fault to inject.
        reset_cmd: clear a fault whose reason is gone.
    """

    legacy: ClassVar[Mapping[str, str]] = _LEGACY

    on: bool = False
    on_cmd: bool = False
    off_cmd: bool = False
    standby: bool = False
    standby_cmd: bool = False
    contactor_control: bool = False
    ac_contactor: bool = False
    ac_contactor_open_cmd: bool = False
    ac_contactor_close_cmd: bool = False
    ac_contactor_stuck: bool = False
    dc_contactor: bool = False
    dc_contactor_open_cmd: bool = False
    dc_contactor_close_cmd: bool = False
    dc_contactor_stuck: bool = False
    start_time: float = quantity(0.0, low=0)
    starting: bool = False
    pcmd: float = 0.0
    qcmd: float = 0.0
    pf_mode: bool = False
    pf_cmd: float = quantity(1.0, low=-1, high=1)
    noise: float = quantity(0.0, low=0)
    faulted: bool = False
    fault: str = ""
    trip_cmd: bool = False
    e_stop: bool = False
    over_temperature: bool = False
    reset_cmd: bool = False
    _target_p: float = private(0.0)
    _target_q: float = private(0.0)
    # Power before noise, where the next ramp begins.
    _p: float = private(0.0)
    _q: float = private(0.0)
    _is_beginning: bool = private(False)
    _is_ending: bool = private(False)
    _remaining_s: float = private(0.0)

    # -- what the two kinds of converters say ----------------------------------------------------------------------

    def rated(self) -> tuple[float, float]:
        """Return rated active and reactive power."""
        raise NotImplementedError

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the limits of p and q: low, high, low, high."""
        p, q = self.rated()
        return -p, p, -q, q

    def is_ready(self) -> bool:
        """Tell whether what is behind it allows running."""
        return True

    def contactors_moved(self) -> None:
        """Do what follows from the DC contactor's position."""

    # -- commands --------------------------------------------------------------------------------------------------

    def take_commands(self) -> None:
        """Do what the fields ask for (reference: engine.md 5.2, 5.3 UpdateMode)."""
        self.read_words()
        self._take_faults()
        if self.off_cmd:
            self.on_cmd = False
        if not self.contactor_control:
            self._command_contactors()
        self._move_contactors()
        self.take_forming()
        self._switch()
        self._target_p, self._target_q = self.pcmd, self.qcmd

    def trip(self, reason: str) -> None:
        """Stop at once, open the contactors, and stay so until a reset."""
        self.fault = self.fault if self.faulted else reason
        self.faulted = True
        self.on_cmd = self.standby_cmd = False
        self.ac_contactor_open_cmd = self.dc_contactor_open_cmd = True
        self._stop()

    def _take_faults(self) -> None:
        if self.reset_cmd:
            self.reset_cmd = False
            self.faulted, self.fault = False, ""
        reasons = {
            "emergency stop": self.e_stop,
            "trip": self.trip_cmd,
            "over temperature": self.over_temperature,
            "control lost": self.control_lost,
        }
        self.trip_cmd = False
        for reason, is_there in reasons.items():
            if is_there:
                self.trip(reason)
        if self.faulted:
            self.on_cmd = self.standby_cmd = False
            self.ac_contactor_close_cmd = self.dc_contactor_close_cmd = False

    def _command_contactors(self) -> None:
        if self.on_cmd and not self.on:
            self.ac_contactor_close_cmd = self.dc_contactor_close_cmd = True
        elif self.off_cmd and not self._must_ramp_down():
            self.ac_contactor_open_cmd = self.dc_contactor_open_cmd = True

    def _must_ramp_down(self) -> bool:
        rated = self.rated()[0]
        return self.on and self._p != 0 and self.rate("p", "stop", rated) != math.inf

    def _move_contactors(self) -> None:
        if self.ac_contactor_open_cmd:
            # An open contactor is also off: it must not run again by itself when it closes.
            self.off_cmd = self.off_cmd or self.on
            self.ac_contactor = self.ac_contactor and self.ac_contactor_stuck
        elif self.ac_contactor_close_cmd:
            self.ac_contactor = self.ac_contactor or not self.ac_contactor_stuck
        if self.dc_contactor_open_cmd:
            self.off_cmd = self.off_cmd or self.on
            self.dc_contactor = self.dc_contactor and self.dc_contactor_stuck
        elif self.dc_contactor_close_cmd:
            self.dc_contactor = self.dc_contactor or not self.dc_contactor_stuck
        self.ac_contactor_open_cmd = self.ac_contactor_close_cmd = False
        self.dc_contactor_open_cmd = self.dc_contactor_close_cmd = False
        self.contactors_moved()

    def _switch(self) -> None:
        is_closed = self.ac_contactor and self.dc_contactor
        if self.on and not is_closed:
            self._stop()
        if self.off_cmd:
            self._is_ending = is_closed and self._must_ramp_down()
            if not self._is_ending:
                self._stop()
                self.off_cmd = False
        elif self.on_cmd and (not self.on or self.standby) and is_closed and self.is_ready():
            self._start()
        elif self.on and self.standby_cmd:
            self.standby, self.standby_cmd = True, False
        if not self.on:
            self.standby_cmd = False
        elif not self.standby:
            self.on_cmd = False

    def _start(self) -> None:
        if not self.on:
            if self.start_time > 0 and not self.starting:
                self.starting, self._remaining_s = True, self.start_time
            if self._remaining_s > 0:
                return
            self._is_beginning = True
        self.on, self.on_cmd, self.standby, self.starting, self.standby_cmd = True, False, False, False, False

    def _stop(self) -> None:
        self.on = self.standby = self.starting = self._is_ending = self._is_beginning = False
        self._remaining_s = 0.0

    def lose_voltage(self) -> None:
        """Switch off without a command, and forget those that wait."""
        self._stop()
        self.on_cmd = self.off_cmd = self.standby_cmd = False

    # -- power -----------------------------------------------------------------------------------------------------

    @property
    def is_delivering(self) -> bool:
        """Whether it works with power: on, not in standby, both contactors closed."""
        return self.on and not self.standby and self.ac_contactor and self.dc_contactor

    def load_lines(self, terminal: Terminal) -> Terminal:
        """Hand up its load line."""
        return self.line()

    def line(self) -> Terminal:
        """Return its load line while it holds voltage and frequency."""
        return self.load_line(*self.rated()) if self.grid_forming and self.is_delivering else Terminal()

    def wanted(self, dt_s: float) -> tuple[float, float]:
        """Return p and q after ramps and limits, without noise."""
        if not self.is_delivering:
            self._p = self._q = 0.0
            return 0.0, 0.0
        p_rated, q_rated = self.rated()
        p_low, p_high, q_low, q_high = self.bounds()
        target_p = 0.0 if self._is_ending else clamp(self._target_p, p_low, p_high)
        target_q = 0.0 if self._is_ending else clamp(self._target_q, q_low, q_high)
        phase: Phase | None = "stop" if self._is_ending else "start" if self._is_beginning else None
        # A limit that came down holds at once; only the way to a set point takes time.
        self._p = clamp(self.ramped("p", self._p, target_p, p_rated, dt_s, phase), p_low, p_high)
        self._q = clamp(self.ramped("q", self._q, target_q, q_rated, dt_s, phase), q_low, q_high)
        if self._p == target_p and self._q == target_q:
            self._is_beginning = False
        if self.pf_mode:
            return self._p, clamp(reactive_for(self._p, self.pf_cmd), q_low, q_high)
        return self._p, self._q

    def noisy(self, p: float) -> float:
        """Return a power with noise."""
        return p + self._random.gauss(0.0, self.noise / 2) if self.noise else p

    def wait(self, dt_s: float) -> None:
        """Let the time of a start pass."""
        self._remaining_s = max(0.0, self._remaining_s - dt_s)
