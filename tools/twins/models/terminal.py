"""`Terminal`: what two components of a plant tell each other where they are connected."""

from __future__ import annotations

from dataclasses import dataclass

from tools.twins.models.maths import STIFF, clamp


@dataclass(slots=True)
class Terminal:
    """Voltage and load lines of a connection. Downwards it says what there is, upwards what is delivered.

    A load line says how a source that holds frequency and voltage shares load: its power changes by `d_hertz` kW for
    each hertz (less, so it is negative), and it delivers nothing at its own set point. Lines of several sources are
    added up; `f` and `v` are then the set points of the first one, and `hertz`, `volts` what those of the others
    differ, weighted by their slopes.

    Attributes:
        v: AC voltage, line to line, V.
        vdc: DC voltage, V.
        p: active power, kW; upwards delivered, downwards asked of the sources that hold the voltage.
        q: reactive power, kvar.
        f: frequency, Hz.
        ph: phase, degrees.
        d_hertz: slope of active power, kW/Hz; 0 where no source is.
        d_volts: slope of reactive power, kvar for the whole voltage, so that a transformer does not change it.
        hertz: slope * (own set point - f), summed up, kW.
        volts: slope * (own set point - v) / v, summed up, kvar.
        discharge: what the stores on a DC connection can deliver, kW.
        charge: what they can take, kW.
    """

    v: float = 0.0
    vdc: float = 0.0
    p: float = 0.0
    q: float = 0.0
    f: float = 0.0
    ph: float = 0.0
    d_hertz: float = 0.0
    d_volts: float = 0.0
    hertz: float = 0.0
    volts: float = 0.0
    discharge: float = 0.0
    charge: float = 0.0

    @property
    def s(self) -> float:
        """Apparent power, kVA."""
        return float((self.p * self.p + self.q * self.q) ** 0.5)

    def combine(self, other: Terminal) -> None:
        """Add what another connection delivers, and its load lines."""
        self.p += other.p
        self.q += other.q
        self.discharge += other.discharge
        self.charge += other.charge
        if other.vdc > self.vdc:
            self.vdc = other.vdc
        if other.d_hertz:
            self._add_lines(other)

    def _add_lines(self, other: Terminal) -> None:
        if not self.d_hertz:
            self.f, self.v, self.ph = other.f, other.v, other.ph
        self.hertz += other.hertz + other.d_hertz * (other.f - self.f)
        self.volts += other.volts + (other.d_volts * (other.v - self.v) / self.v if self.v else 0.0)
        self.d_hertz += other.d_hertz
        self.d_volts += other.d_volts

    def settled(self, p: float, q: float) -> Terminal:
        """Return voltage and frequency where sources with these lines deliver p and q; none without a source."""
        if not self.d_hertz:
            return Terminal()
        # A stiff source gives way to no load: not by the last digit either.
        f = self.f + (self.hertz if self.d_hertz <= STIFF else p + self.hertz) / self.d_hertz
        moved = (self.volts if self.d_volts <= STIFF else q + self.volts) / self.d_volts if self.d_volts else 0.0
        v = self.v * (1 + moved)
        return Terminal(v=max(0.0, v), f=max(0.0, f), ph=self.ph)

    def stores_share(self, discharge: float, charge: float) -> float:
        """Return what one store takes over of the power asked of all stores on a bus, as it can deliver or take."""
        own, of_all = (discharge, self.discharge) if self.p > 0 else (charge, self.charge)
        return clamp(self.p * own / of_all, -charge, discharge) if of_all else 0.0

    def share(self, line: Terminal) -> tuple[float, float]:
        """Return the active and reactive power of one source, where this terminal asks p and q of all of them.

        Written so that the set points, which may be those of sources with nearly infinite slopes, cancel exactly.
        """
        if not self.d_hertz:
            return 0.0, 0.0
        p = self.p * (line.d_hertz / self.d_hertz) + line.d_hertz * (self.hertz / self.d_hertz - (line.f - self.f))
        if not self.d_volts:
            return p, 0.0
        apart = (line.v - self.v) / self.v if self.v else 0.0
        q = self.q * (line.d_volts / self.d_volts) + line.d_volts * (self.volts / self.d_volts - apart)
        return p, q
