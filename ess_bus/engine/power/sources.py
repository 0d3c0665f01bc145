"""Where an engine holds what the power limiter needs: ratings, limits, set points, factors (engine.md 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.inputs import ABSENT, ROOT, amount, as_number, asset_name, target, usual, value_of
from ess_bus.engine.power.limiter import Capability, Priority, capability
from ess_bus.engine.power.ratings import DEFAULT_POWER_FACTOR, Rating, ratings
from ess_bus.reference import Reference

# Functions import this.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call, Engine

LIMITS: Final = "limits"
CONTROLS: Final = "controls"
CHARGE_LIMIT: Final = "ChargePowerLimit"
DISCHARGE_LIMIT: Final = "DischargePowerLimit"
CHARGE_FACTOR: Final = "ChargeFactor"
DISCHARGE_FACTOR: Final = "DischargeFactor"
ACTIVE_SETPOINT: Final = "ActivePowerSetpoint"
REACTIVE_SETPOINT: Final = "ReactivePowerSetpoint"
PRIORITY: Final = "PowerPriority"
# What the PCS tells, what a person has set.
_SOURCES: Final = ("_HW", "_Config")


@dataclass(slots=True)
class Sources:
    """Reads for one PCS and its battery, and notes what of it is not valid.

    Attributes:
        pcs, bms, ess: the names of the three assets.
        missing: the places of what is not valid or not there, in the order in which they were read.
    """

    call: Call
    pcs: str
    bms: str
    ess: str
    missing: list[str] = field(default_factory=list)

    @property
    def engine(self) -> Engine:
        """The engine that is read."""
        return self.call.engine

    def setpoint(self, name: str) -> Reference:
        """Return where a set point is."""
        return usual(self.engine, CONTROLS, self.pcs, name)

    def wish(self, name: str) -> float | None:
        """Return a set point."""
        return self._number(self.setpoint(name), value_of(self.engine, self.setpoint(name), 0.0))

    def capability(self) -> Capability:
        """Return what PCS and battery can do now.

        Raises:
            ValueError: a parameter is wrong.
        """
        factor = amount(self.call, "powerFactor", DEFAULT_POWER_FACTOR)
        if factor is None:
            raise ValueError("powerFactor: expected a number above 0, up to 1")
        rated = ratings(self._ratings(), factor)
        derate = self._derate()
        charge = self._battery(CHARGE_LIMIT, CHARGE_FACTOR, derate)
        discharge = self._battery(DISCHARGE_LIMIT, DISCHARGE_FACTOR, derate)
        return capability(rated, charge, discharge)

    def _ratings(self) -> dict[Rating, float | None]:
        """Return the ratings that are configured: of what the PCS tells and what a person has set, the lower one."""
        found: dict[Rating, float | None] = {}
        for rating in Rating:
            for source in _SOURCES:
                place = usual(self.engine, LIMITS, self.pcs, rating + source)
                value = value_of(self.engine, place)
                if value is ABSENT:
                    continue
                number, before = self._number(place, value), found.get(rating, ABSENT)
                if before is None or number is None:
                    found[rating] = None
                else:
                    found[rating] = abs(number) if before is ABSENT else min(abs(number), abs(as_number(before) or 0.0))
        if not found:
            self.missing.append(f"/{LIMITS}/{self.pcs}:{Rating.DISCHARGE}_HW")
        return found

    def _battery(self, limit: str, factor: str, derate: float | None) -> float | None:
        """Return a limit of the battery, times its factors."""
        place = usual(self.engine, LIMITS, self.bms, limit)
        value = self._number(place, value_of(self.engine, place, None))
        place = usual(self.engine, LIMITS, self.bms, factor)
        by_table = self._factor(str(place), value_of(self.engine, place, 1.0))
        return None if value is None or by_table is None or derate is None else value * by_table * derate

    def _derate(self) -> float | None:
        """Return the product of what the parameter ``derate`` names: a variable, or a list of them."""
        given = self.call.parameter("derate", [])
        product: float | None = 1.0
        for one in given if isinstance(given, list) else [given]:
            read = self.engine.read(target(self.call, one)) if isinstance(one, str) else one
            factor = self._factor(str(one), read)
            product = None if factor is None or product is None else product * factor
        return product

    def _factor(self, name: str, value: Any) -> float | None:
        """Return a factor, from 0 to 1: none may give more than the limit itself."""
        number = as_number(value)
        if number is None:
            self.missing.append(name)
            return None
        return min(max(number, 0.0), 1.0)

    def _number(self, place: Reference, value: Any) -> float | None:
        number = as_number(value)
        if number is None:
            self.missing.append(str(place))
        return number


def pcs_of(call: Call) -> str:
    """Return the PCS that a call is for: its parameter ``pcs``, or the asset if that has ratings, or ``pcs``.

    Raises:
        ValueError: the parameter is no name.
    """
    engine = call.engine
    rated = any(
        engine.find(f"/{LIMITS}/{call.asset}", rating + source) is not None for rating in Rating for source in _SOURCES
    )
    return asset_name(call, "pcs", call.asset if rated else "pcs")


def sources(call: Call) -> Sources:
    """Return the sources for a PCS; parameters ``bms`` and ``ess`` name its battery and the site.

    Raises:
        ValueError: one of them is no name.
    """
    return Sources(call, call.asset, asset_name(call, "bms", "bms"), asset_name(call, "ess", ROOT))


def priority(call: Call, found: Sources) -> Priority:
    """Return the priority that is set; a text that is none is replaced by the last one that was."""
    places = [usual(call.engine, CONTROLS, asset, PRIORITY) for asset in (found.pcs, found.ess)]
    place = next((place for place in places if call.engine.find(place.table, place.name) is not None), None)
    last = call.variable.memory.setdefault(PRIORITY, Priority.ACTIVE)
    if place is None:
        return Priority(last)
    text = value_of(call.engine, place)
    try:
        wanted = Priority(str(text).upper())
    except ValueError:
        call.engine.warn(f"{place} {text}", f"{place}: expected P or Q, got {str(text)[:40]!r}; {last} again")
        call.engine.put(place, str(last))
        return Priority(last)
    call.variable.memory[PRIORITY] = wanted
    return wanted
