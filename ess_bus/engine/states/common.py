"""Checks, requests and options that more than one table has."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.states.model import Check, Follow, Of, Option, Request, State, Step

ALL: Final = frozenset(State)

HEARD: Final = Check("it communicates", "{CommsOK}")
SOUND: Final = Check("it reports no fault", "not {IsFaulted}")
NO_FAULT_SHUTDOWN: Final = Check("no fault of it stands in its list", "not {FaultShutdown?}")
# Who may ask for the emergency stop of an ESS, each by a variable of its own: nobody releases what another one holds.
E_STOPS: Final[dict[str, str]] = {"EStop": "people", "SiteEStop": "the site controller", "PanelEStop": "the panel"}
NO_EMERGENCY: Final = tuple(
    Check(f"no emergency stop by {who}", f"not {{controls:{name}}}", Of.ESS) for name, who in E_STOPS.items()
)
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
RESUME: Final = Option(10.0, "s that a request taken up after a restart waits until devices are known")
# Of every table of a single device.
COMMON_OPTIONS: Final[dict[str, Option]] = {
    "clear_s": Option(5.0, "s for an attempt to clear faults"),
    "clear_tries": Option(3, "attempts to clear faults", 1, 100),
    "stale_s": STALE,
    "settle_s": SETTLE,
    "resume_s": RESUME,
}


def clear(title: str) -> Request:
    """Return the request that clears the faults of a device."""
    words = f"clear the faults of the {title}"
    return Request(
        "clear",
        words,
        upward=True,
        steps=(Step(words, checks=(SOUND,), commands=("ClearFaults",), timeout="clear_s", tries="clear_tries"),),
        source=ALL - {State.INIT},
        requires=(HEARD,),
    )


def failures(title: str) -> tuple[Follow, Follow]:
    """Return how a device comes to Fault by itself."""
    faulted, silent = Check("it reports a fault", "{IsFaulted}"), Check("it does not communicate", "not {CommsOK}")
    return (
        Follow(ALL, State.FAULT, (faulted,), f"the {title} reports a fault"),
        Follow(ALL, State.FAULT, (silent,), f"the {title} does not communicate"),
    )
