"""`Feed`: a feeder with a breaker that trips, and its meter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tools.twins.models.fields import private, quantity
from tools.twins.models.grid import Bus
from tools.twins.models.terminal import Terminal


@dataclass(kw_only=True, eq=False)
class Feed(Bus):
    """A feeder: closed it connects, open it is the head of what is below it. Its `p` flows to the root.

    Attributes:
        closed: whether the breaker is closed.
        close_cmd: close; not while it is tripped.
        open_cmd: open; wins over `close_cmd`.
        trip_cmd: open, and stay so until a reset.
        tripped: it tripped, by command or by load.
        reset_cmd: clear a trip.
        pmax: it trips above this active power, kW; 0 does not trip.
        qmax: above this reactive power, kvar.
        smax: above this apparent power, kVA.
        vn: rated voltage, V.
        v1: voltage above it, V.
        kwh_delivered: counted where its `p` is +.
        kwh_received: counted where it is -.
        polrev: its meter counts what flows from the root as +.
        breaker_stuck: a fault to inject: the breaker does not move.
    """

    below: ClassVar[str | None] = "ac"

    closed: bool = False
    close_cmd: bool = False
    open_cmd: bool = False
    trip_cmd: bool = False
    tripped: bool = False
    reset_cmd: bool = False
    breaker_stuck: bool = False
    pmax: float = quantity(0.0, low=0)
    qmax: float = quantity(0.0, low=0)
    smax: float = quantity(0.0, low=0)
    vn: float = quantity(480.0, low=0)
    v1: float = 0.0
    polrev: bool = False
    kwh_delivered: float = quantity(0.0, low=0)
    kwh_received: float = quantity(0.0, low=0)
    ctrl_word_enabled: bool = True
    _is_overloaded: bool = private(False)

    def update_mode(self, terminal: Terminal) -> Terminal:
        """Move the breaker."""
        if self.ctrl_word_enabled:
            self.read_words()
        if self.reset_cmd:
            self.tripped = self._is_overloaded = False
        if self.trip_cmd or self._is_overloaded:
            self.tripped = True
        wants_open = self.open_cmd or self.tripped
        if not self.breaker_stuck and (wants_open or self.close_cmd):
            self.closed = not wants_open
        self.reset_cmd = self.trip_cmd = self.open_cmd = self.close_cmd = False
        return terminal if self.closed else Terminal()

    def load_lines(self, terminal: Terminal) -> Terminal:
        """Hand the load lines through, or keep them."""
        if self.closed:
            return terminal
        return super().load_lines(terminal)

    def distribute_voltage(self, terminal: Terminal) -> Terminal:
        """Hand the voltage through, or be the head of what is below."""
        self.v1 = terminal.v
        if not self.closed:
            return super().distribute_voltage(terminal)
        self.connect(terminal)
        return terminal

    def calculate_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Hand through, or keep."""
        return terminal if self.closed else super().calculate_state(terminal, dt_s)

    def distribute_load(self, terminal: Terminal) -> Terminal:
        """Hand through, or ask."""
        return terminal if self.closed else super().distribute_load(terminal)

    def update_state(self, terminal: Terminal, dt_s: float) -> Terminal:
        """Meter what flows, and see whether it is too much."""
        flow = terminal if self.closed else Terminal()
        self.unserved = 0.0 if self.closed else -terminal.p or 0.0
        sign = -1.0 if self.polrev else 1.0
        self.meter(sign * flow.p, sign * flow.q, dt_s)
        self.kwh_delivered += max(0.0, self.p) * dt_s / 3600
        self.kwh_received += max(0.0, -self.p) * dt_s / 3600
        measured = ((self.p, self.pmax), (self.q, self.qmax), (self.s, self.smax))
        self._is_overloaded = any(limit and abs(value) > limit for value, limit in measured)
        return flow
