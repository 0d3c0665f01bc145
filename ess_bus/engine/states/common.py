"""Checks and options that more than one table has."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.states.model import Check, Of, Option, State

ALL: Final = frozenset(State)

HEARD: Final = Check("it communicates", "{CommsOK}")
SOUND: Final = Check("it reports no fault", "not {IsFaulted}")
NO_FAULT_SHUTDOWN: Final = Check("no fault of it stands in its list", "not {FaultShutdown?}")
NO_EMERGENCY: Final = Check("no emergency stop", "not {controls:EStop}", Of.ESS)
# Machines of single devices obey a person only while nobody else counts on the devices.
MAINTENANCE: Final = Check("maintenance mode is on", "{ui:maint_mode}", Of.ESS)
ESS_WITHOUT_FAULT: Final = Check("the ESS is not in Fault", "{SystemState} != Fault", Of.ESS)
DC_CLOSED: Final = Check("the DC contactors are closed", "{DCClosed}", Of.EVERY_BMS)
# A PCS that reports a fault does not run either.
AT_REST: Final = Check(
    "the PCS is stopped", "{DeviceState} == Off or {DeviceState} == Ready or {DeviceState} == Fault", Of.EVERY_PCS
)

STALE: Final = Option(1.0, "s that a value may be not valid before it counts as a failure (power is 0 at once)")
SETTLE: Final = Option(1.0, "s after a command until a state counts that was there before the command")
