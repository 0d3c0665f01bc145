"""What the machine of an ESS looks at."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ess_bus.engine.states import common
from ess_bus.engine.states.common import AT_REST, DC_CLOSED, E_STOPS
from ess_bus.engine.states.model import Check, Of

_MAINT: Final = "{ess ui:maint_mode?}"
_AUTO: Final = "{ess controls:ContactorControl?}"

NO_EMERGENCY: Final = tuple(replace(check, of=Of.OWN) for check in common.NO_EMERGENCY)
BMS_HEARD: Final = Check("the BMS communicates", "{CommsOK}", Of.EVERY_BMS)
PCS_HEARD: Final = Check("the PCS communicates", "{CommsOK}", Of.EVERY_PCS)
BMS_SOUND: Final = Check("the BMS reports no fault", "not {IsFaulted}", Of.EVERY_BMS)
PCS_SOUND: Final = Check("the PCS reports no fault", "not {IsFaulted}", Of.EVERY_PCS)
NO_FAULT_LISTED: Final = (
    Check("no fault stands in the list of the ESS", "not {FaultShutdown?}"),
    Check("no fault stands in the list of the BMS", "not {FaultShutdown?}", Of.EVERY_BMS),
    Check("no fault stands in the list of the PCS", "not {FaultShutdown?}", Of.EVERY_PCS),
)
SITE_HEARD: Final = Check("the site controller communicates", "not {option:site_watch} or {SiteCommsOK}")
# Where it is not known, somebody may be at the devices.
NO_MAINTENANCE: Final = Check("maintenance mode is off", "not {ess ui:maint_mode!}")
CONTACTOR_CONTROL: Final = Check(
    "ContactorControl is on; otherwise the contactors follow on and off", "{controls:ContactorControl}"
)
IN_FAULT: Final = Check("it is in Fault", "{SystemState} == Fault")
CONTACTORS_FOLLOW: Final = Check("ContactorControl is off", "not {controls:ContactorControl?}")

# -- what devices do ------------------------------------------------------------------------------------------------
PCS_RUNS: Final = Check("the PCS runs", "{DeviceState} == Running", Of.EVERY_PCS)
PCS_STANDS_BY: Final = Check("the PCS is in standby", "{DeviceState} == Standby", Of.EVERY_PCS)
AC_CLOSED: Final = Check("the AC contactor is closed", "{option:ac_contactor} == none or {AcContactor}", Of.EVERY_PCS)
AC_SHOWN: Final = Check("the AC contactor is closed", "{AcContactor}", Of.EVERY_PCS)
AC_OPEN: Final = Check("the AC contactor is open", "{option:ac_contactor} == none or not {AcContactor}", Of.EVERY_PCS)
DC_OPEN: Final = Check("the DC contactors are open", "not {DCClosed}", Of.EVERY_BMS)
POWER_NEAR_ZERO: Final = Check(
    "the power is near 0",
    "-{ess option:near_zero_kw} <= {ActivePower} <= {ess option:near_zero_kw}",
    Of.EVERY_PCS,
)
CLOSED_BEFORE: Final = (
    Check("the DC contactors have been closed by their own command", f"not {_AUTO} or {{DCClosed}}", Of.EVERY_BMS),
    Check(
        "the AC contactor has been closed by its own command",
        f"not {_AUTO} or {{option:ac_contactor}} != command or {{AcContactor}}",
        Of.EVERY_PCS,
    ),
    Check("ContactorControl is known", "{controls:ContactorControl} or not {controls:ContactorControl}"),
)
RUNNING: Final = (DC_CLOSED, PCS_RUNS, AC_CLOSED)
HEALTHY: Final = (*NO_EMERGENCY, BMS_HEARD, PCS_HEARD, BMS_SOUND, PCS_SOUND)

# -- what must be known before anything is adopted ------------------------------------------------------------------
KNOWN: Final = (
    *(Check(f"{name} is known", f"{{controls:{name}}} or not {{controls:{name}}}") for name in E_STOPS),
    BMS_HEARD,
    Check("DCClosed is known", "{DCClosed} or not {DCClosed}", Of.EVERY_BMS),
    Check("IsFaulted is known", "{IsFaulted} or not {IsFaulted}", Of.EVERY_BMS),
    PCS_HEARD,
    Check("IsFaulted is known", "{IsFaulted} or not {IsFaulted}", Of.EVERY_PCS),
    Check(
        "the PCS is neither on its way up nor down",
        " or ".join(f"{{DeviceState}} == {state}" for state in ("Off", "Ready", "Running", "Standby", "Fault")),
        Of.EVERY_PCS,
    ),
    Check("AcContactor is known", "{option:ac_contactor} == none or {AcContactor} or not {AcContactor}", Of.EVERY_PCS),
)
MAINTENANCE: Final = Check("maintenance mode is on", _MAINT)
# What the safe requests are for.
AT_REST_AS_A_WHOLE: Final = (AT_REST, AC_OPEN, DC_OPEN)
DC_SOME_OPEN: Final = Check("DC contactors are open", "not {DCClosed}", Of.ANY_BMS)


def unless_maintenance(check: Check) -> Check:
    """Return a check that holds in maintenance mode in any case."""
    return Check(check.words, f"{check.expression} or {_MAINT}", check.of)
