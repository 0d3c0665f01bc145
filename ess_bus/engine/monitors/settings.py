"""The settings of monitors: parameters of a variable, time-outs of the engine (engine.md 3.6, 3.7)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ess_bus.engine.inputs import target
from ess_bus.engine.monitors.trip import Delays
from ess_bus.engine.numbers import is_number
from ess_bus.engine.target import Target

# The data map reads actions, and these name functions.
if TYPE_CHECKING:
    from ess_bus.engine.functions.registry import Call, Engine

# Operands and values are numbered; nobody has written more of them by hand.
MAX_NUMBERED: Final = 1000
# Where the settings of all assets are; the original calls it so whatever the name of the engine.
ESS: Final = "ess"
# How long a value may be not valid, whatever its own time-outs say: a device that does not answer for a moment is no
# voltage beyond its limit.
COMMS: Final = ("essCommsAlarmTimeout", "essCommsFaultTimeout", "essCommsRecoverTimeout")
COMMS_S: Final = Delays(0.5, 5.0, 2.5)


@dataclass(frozen=True, slots=True)
class AssetSettings:
    """What is configured of a check of an asset.

    Attributes:
        is_bypassed: it is switched off.
        patience: its time-outs.
        hold_s: how long a value may stand still and counts as changing; ``None``: until there is an alarm.
    """

    is_bypassed: bool
    patience: Delays
    hold_s: float | None


def delays_of(call: Call, prefix: str = "") -> Delays:
    """Return the time-outs of a check: ``MaxAlarmTimeout``, or ``AlarmTimeout`` where there is none; 0 by default.

    Raises:
        ValueError: one of them is not a number.
    """
    parameters = call.variable.parameters
    return Delays(
        _seconds(parameters, f"{prefix}AlarmTimeout", "AlarmTimeout"),
        _seconds(parameters, f"{prefix}FaultTimeout", "FaultTimeout"),
        _seconds(parameters, f"{prefix}RecoverTimeout", "RecoverTimeout"),
    )


def _seconds(parameters: Mapping[str, Any], name: str, otherwise: str) -> float:
    if name not in parameters:
        name = otherwise
    value = parameters.get(name, 0)
    return seconds(name, value)


def seconds(name: str, value: Any) -> float:
    """Return a time-out; a negative one is none.

    Raises:
        ValueError: it is not a number.
    """
    if not is_number(value) or not math.isfinite(value):
        raise ValueError(f"{name}: expected a number, got {str(value)[:40]!r}")
    return max(0.0, value)


def timeout_s(engine: Engine, asset: str, name: str, default_s: float) -> float:
    """Return a time-out of ``/config/<asset>``, or that of ``/config/ess``, in seconds."""
    for table in (f"/config/{asset}", f"/config/{ESS}"):
        found = engine.find(table, name)
        if found is None or found.value is None:
            continue
        if is_number(found.value) and found.value >= 0:
            return float(found.value)
        engine.warn(f"{table} {name}", f"{table}:{name}: expected seconds, it holds {str(found.value)[:40]!r}")
    return default_s


def delays(engine: Engine, asset: str, names: tuple[str, str, str], default: Delays) -> Delays:
    """Return three time-outs, each as `timeout_s`."""
    return Delays(
        timeout_s(engine, asset, names[0], default.alarm_s),
        timeout_s(engine, asset, names[1], default.fault_s),
        timeout_s(engine, asset, names[2], default.recover_s),
    )


def comms_delays(engine: Engine, asset: str) -> Delays:
    """Return how long a value may be not valid."""
    return delays(engine, asset, COMMS, COMMS_S)


def numbered(call: Call, count: str, name: str) -> Iterator[Any]:
    """Yield ``variable1``, ``variable2``, ... of as many as ``numVars`` says, or as there are where it says nothing.

    Raises:
        ValueError: the count is no count, or one of them is missing.
    """
    given = call.parameter(count)
    if given is None:
        number = 1
        while number <= MAX_NUMBERED and (one := call.parameter(f"{name}{number}")) is not None:
            yield one
            number += 1
        return
    if not is_number(given) or not 0 <= given <= MAX_NUMBERED or given != int(given):
        raise ValueError(f"{count}: expected a count, got {str(given)[:40]!r}")
    for number in range(1, int(given) + 1):
        one = call.parameter(f"{name}{number}")
        if one is None:
            raise ValueError(f"{name}{number} is missing, {count} is {int(given)}")
        yield one


def operand(call: Call, name: Any) -> Any:
    """Return what a parameter refers to: ``/uri:var``, or a bare name of the asset's, both with ``@parameter`` too.

    Raises:
        ValueError: it names nothing.
    """
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected the name of a variable, got {str(name)[:40]!r}")
    found = target(call, name)
    place = found.place
    if place.parameter is not None:
        variable = call.engine.find(place.table, place.name)
        if variable is None or place.parameter not in variable.parameters:
            # A flag that its monitor has not set yet; the original takes the value in its place.
            found = Target(place._replace(parameter=None))
    return call.engine.read(found)
