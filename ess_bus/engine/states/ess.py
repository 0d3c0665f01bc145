"""The machine of an ESS: the order in which its BMS and PCS are brought up and down, and what must hold meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ess_bus.engine.states.common import ALL, AT_REST, DC_CLOSED, E_STOPS, RESUME, SETTLE, STALE
from ess_bus.engine.states.ess_checks import (
    AC_CLOSED,
    AC_OPEN,
    AT_REST_AS_A_WHOLE,
    BMS_HEARD,
    BMS_SOUND,
    CLOSED_BEFORE,
    CONTACTOR_CONTROL,
    CONTACTORS_FOLLOW,
    DC_OPEN,
    DC_SOME_OPEN,
    HEALTHY,
    IN_FAULT,
    KNOWN,
    MAINTENANCE,
    NO_EMERGENCY,
    NO_FAULT_LISTED,
    NO_MAINTENANCE,
    PCS_HEARD,
    PCS_RUNS,
    PCS_SOUND,
    PCS_STANDS_BY,
    POWER_NEAR_ZERO,
    RUNNING,
    SITE_HEARD,
    unless_maintenance,
)
from ess_bus.engine.states.model import Ask, Check, Follow, Guard, Of, Option, Request, State, Step, Table

# -- the steps of more than one request -----------------------------------------------------------------------------
POWER_DOWN: Final = Step("bring the power to 0", (POWER_NEAR_ZERO,), timeout="power_zero_s", goes_on=True)
STOP_PCS: Final = Step("stop the PCS", (AT_REST,), asks=(Ask(Of.EVERY_PCS, "stop"),))
OPEN_AC: Final = Step("open the AC contactor", (AC_OPEN,), asks=(Ask(Of.EVERY_PCS, "open_ac"),))
OPEN_DC: Final = Step("open the DC contactors", (DC_OPEN,), asks=(Ask(Of.EVERY_BMS, "open"),))
OPEN_ALL: Final = Step(
    "open all contactors",
    (AC_OPEN, DC_OPEN),
    asks=(Ask(Of.EVERY_PCS, "open_ac"), Ask(Of.EVERY_BMS, "open")),
    goes_on=True,
)


def _only_if(step: Step, check: Check) -> Step:
    return replace(step, only_if=check)


# -- what must go on holding ----------------------------------------------------------------------------------------
SITE_GUARD: Final = Guard(SITE_HEARD, "stop", fault=False)
HEARD_GUARDS: Final = (Guard(BMS_HEARD, "trip"), Guard(PCS_HEARD, "trip"))
GUARDS: Final = (*HEARD_GUARDS, *(Guard(check, "trip") for check in NO_FAULT_LISTED))
NOT_ASKED: Final = "the PCS does not run without having been asked"
IDLE_GUARDS: Final = (*GUARDS, Guard(unless_maintenance(replace(AT_REST, words=NOT_ASKED)), "trip"))

# What a person or the site may want at any time, and a fault or an emergency ends.
_ORDINARY: Final = frozenset({"stop", "open_ac", "open_dc", "standby", "start", "close_ac", "close_dc", "clear"})
_UPWARD: Final = frozenset({"standby", "start", "close_ac", "close_dc"})
_STARTABLE: Final = (*HEALTHY, *NO_FAULT_LISTED, NO_MAINTENANCE)

REQUESTS: Final = (
    Request(
        "emergency",
        "stop at once by the emergency stop",
        calls_off=True,
        steps=(
            Step(
                "stop the PCS by its emergency stop", (AT_REST,), asks=(Ask(Of.EVERY_PCS, "emergency"),), goes_on=True
            ),
            OPEN_ALL,
        ),
        ends_in=State.FAULT,
        during=State.FAULT,
        held=tuple(E_STOPS),
        interrupts=_ORDINARY | {"trip"},
    ),
    Request(
        "trip",
        "make everything safe at once",
        calls_off=True,
        steps=(
            Step("stop the PCS at once", (AT_REST,), asks=(Ask(Of.EVERY_PCS, "trip"),), goes_on=True),
            OPEN_ALL,
        ),
        ends_in=State.FAULT,
        source=frozenset({State.FAULT}),
        during=State.FAULT,
        command="OffCmd",
        interrupts=_ORDINARY,
    ),
    Request(
        "stop",
        "shut down in order",
        calls_off=True,
        steps=(POWER_DOWN, STOP_PCS, _only_if(OPEN_AC, CONTACTORS_FOLLOW), _only_if(OPEN_DC, CONTACTORS_FOLLOW)),
        source=ALL - {State.FAULT},
        keeps=HEARD_GUARDS,
        during=State.SHUTDOWN,
        command="OffCmd",
        interrupts=_UPWARD | {"clear"},
        or_else="trip",
        done_in=frozenset({State.OFF}),
        done_if=(AT_REST, DC_OPEN),
    ),
    Request(
        "open_ac",
        "open the AC contactor",
        steps=(POWER_DOWN, STOP_PCS, OPEN_AC),
        source=ALL - {State.INIT, State.FAULT},
        requires=(CONTACTOR_CONTROL,),
        keeps=HEARD_GUARDS,
        during=State.SHUTDOWN,
        command="AcContactorOpenCmd",
        interrupts=_UPWARD,
        or_else="trip",
    ),
    Request(
        "open_dc",
        "open the DC contactors",
        steps=(POWER_DOWN, STOP_PCS, OPEN_DC),
        source=ALL - {State.INIT, State.FAULT},
        requires=(CONTACTOR_CONTROL,),
        keeps=HEARD_GUARDS,
        during=State.SHUTDOWN,
        command="DcContactorOpenCmd",
        interrupts=_UPWARD,
        or_else="trip",
    ),
    Request(
        "standby",
        "go into standby",
        upward=True,
        steps=(
            POWER_DOWN,
            Step("put the PCS into standby", (PCS_STANDS_BY,), asks=(Ask(Of.EVERY_PCS, "standby"),)),
        ),
        ends_in=State.STANDBY,
        source=frozenset({State.RUNNING}),
        keeps=(*GUARDS, SITE_GUARD, Guard(DC_CLOSED, "trip")),
        command="StandbyCmd",
        or_else="trip",
        done_in=frozenset({State.STANDBY}),
    ),
    Request(
        "start",
        "go into operation",
        upward=True,
        steps=(
            Step("close the DC contactors", (DC_CLOSED,), asks=(Ask(Of.EVERY_BMS, "close"),)),
            Step("start the PCS", (PCS_RUNS, AC_CLOSED), asks=(Ask(Of.EVERY_PCS, "start"),)),
        ),
        ends_in=State.RUNNING,
        source=frozenset({State.OFF, State.READY, State.STANDBY}),
        requires=(*_STARTABLE, SITE_HEARD, *CLOSED_BEFORE),
        keeps=(*GUARDS, SITE_GUARD),
        during=State.STARTING,
        command="OnCmd",
        or_else="trip",
        done_in=frozenset({State.RUNNING}),
    ),
    Request(
        "close_ac",
        "close the AC contactor",
        upward=True,
        steps=(Step("close the AC contactor", (AC_CLOSED,), asks=(Ask(Of.EVERY_PCS, "close_ac"),)),),
        source=frozenset({State.OFF, State.READY}),
        requires=(CONTACTOR_CONTROL, *_STARTABLE),
        keeps=GUARDS,
        during=State.STARTING,
        command="AcContactorCloseCmd",
        or_else="trip",
    ),
    Request(
        "close_dc",
        "close the DC contactors",
        upward=True,
        steps=(Step("close the DC contactors", (DC_CLOSED,), asks=(Ask(Of.EVERY_BMS, "close"),)),),
        source=frozenset({State.OFF, State.READY}),
        requires=(CONTACTOR_CONTROL, *_STARTABLE),
        keeps=GUARDS,
        during=State.STARTING,
        command="DcContactorCloseCmd",
        or_else="trip",
        done_in=frozenset({State.READY}),
    ),
    Request(
        "clear",
        "clear faults",
        upward=True,
        steps=(
            _only_if(STOP_PCS, IN_FAULT),
            _only_if(replace(OPEN_ALL, goes_on=False), IN_FAULT),
            Step(
                "clear the faults of the devices",
                (BMS_SOUND, PCS_SOUND),
                asks=(Ask(Of.EVERY_PCS, "clear"), Ask(Of.EVERY_BMS, "clear")),
            ),
            Step("see that no fault is left", NO_FAULT_LISTED, timeout="list_s", takes_back=True),
        ),
        ends_in=State.OFF,
        source=frozenset({State.FAULT, State.OFF}),
        requires=(*NO_EMERGENCY, BMS_HEARD, PCS_HEARD),
        keeps=HEARD_GUARDS,
        command="ClearFaultsCmd",
        button="clear_faults",
    ),
)

# -- what devices do by themselves ----------------------------------------------------------------------------------
_INIT: Final = frozenset({State.INIT})
_RUNNING: Final = frozenset({State.RUNNING})
_STANDBY: Final = frozenset({State.STANDBY})
_ENDED: Final = frozenset({State.STARTING, State.SHUTDOWN})
_BY_HAND: Final = "moved in maintenance mode"

FOLLOWS: Final = (
    Follow(_INIT, State.RUNNING, (*KNOWN, *RUNNING), "found running"),
    Follow(_INIT, State.STANDBY, (*KNOWN, DC_CLOSED, PCS_STANDS_BY), "found in standby"),
    Follow(_INIT, State.READY, (*KNOWN, DC_CLOSED, AT_REST)),
    Follow(_INIT, State.OFF, (*KNOWN, DC_OPEN, AT_REST)),
    Follow(_INIT, State.OFF, (*KNOWN, CONTACTOR_CONTROL, AT_REST)),
    Follow(_INIT, State.FAULT, (*KNOWN, NO_MAINTENANCE), "found neither off nor running as a whole", fault=True),
    # After a request, and where contactors are moved by others.
    Follow(_ENDED | {State.OFF}, State.READY, (AT_REST, DC_CLOSED)),
    Follow(_ENDED | {State.READY}, State.OFF, (AT_REST, DC_SOME_OPEN)),
    # Where people operate the devices one by one.
    Follow(_ENDED, State.RUNNING, (MAINTENANCE, *RUNNING), _BY_HAND),
    Follow(_ENDED, State.STANDBY, (MAINTENANCE, DC_CLOSED, PCS_STANDS_BY), _BY_HAND),
    *(
        Follow(source, to, (MAINTENANCE, Check(f"no longer: {check.words}", f"not ({check.expression})", of)), _BY_HAND)
        for source, to, check, of in (
            (_RUNNING, State.SHUTDOWN, PCS_RUNS, Of.ANY_PCS),
            (_RUNNING, State.SHUTDOWN, DC_CLOSED, Of.ANY_BMS),
            (_RUNNING, State.SHUTDOWN, AC_CLOSED, Of.ANY_PCS),
            (_STANDBY, State.SHUTDOWN, PCS_STANDS_BY, Of.ANY_PCS),
            (_STANDBY, State.SHUTDOWN, DC_CLOSED, Of.ANY_BMS),
            (frozenset({State.OFF, State.READY}), State.STARTING, AT_REST, Of.ANY_PCS),
        )
    ),
)

ESS: Final = Table(
    kind="ess",
    title="ESS",
    requests=REQUESTS,
    follows=FOLLOWS,
    options={
        "bms": Option("", "the BMS that belong to it, separated by commas; empty: all"),
        "pcs": Option("", "the PCS that belong to it, separated by commas; empty: all"),
        "site_watch": Option(False, "shut down where SiteCommsOK is false or not valid"),
        "near_zero_kw": Option(5.0, "kW, either way, that count as no power", 0, 1e6),
        "power_zero_s": Option(10.0, "s until the power must be near 0; then the PCS is stopped all the same"),
        "list_s": Option(2.0, "s until the lists of faults must be empty once faults are cleared"),
        "stale_s": STALE,
        "settle_s": SETTLE,
        "resume_s": RESUME,
        "repeat_s": Option(10.0, "s in Fault until everything is made safe once more, as long as it is not at rest", 1),
    },
    inputs={
        "/controls/{ess}:OnCmd, OffCmd, StandbyCmd, ClearFaultsCmd": "true asks for it; it is set back to false",
        "/controls/{ess}:EStop": "true as long as people hold the emergency stop; not valid counts as held",
        "/controls/{ess}:SiteEStop, PanelEStop": "the same for the site controller, and for a push button of the plant",
        "/controls/{ess}:ContactorControl": "contactors move by their own commands only",
        "/controls/{ess}:AcContactorOpenCmd, AcContactorCloseCmd, DcContactorOpenCmd, DcContactorCloseCmd": "as OnCmd",
        "/controls/{ess}:ActivePowerSetpoint, ReactivePowerSetpoint": "kW and kvar; discharge is positive",
        "/status/{ess}:SiteCommsOK": "the site controller communicates; needed with site_watch",
        "/assets/{ess}/summary:maint_mode": "people operate the devices one by one",
    },
    always=(
        *(Guard(check, "emergency") for check in NO_EMERGENCY),
        Guard(BMS_SOUND, "trip"),
        Guard(PCS_SOUND, "trip"),
    ),
    keeps={
        State.OFF: IDLE_GUARDS,
        State.READY: IDLE_GUARDS,
        State.STARTING: IDLE_GUARDS,
        State.SHUTDOWN: IDLE_GUARDS,
        State.RUNNING: (*GUARDS, SITE_GUARD, *(Guard(unless_maintenance(check), "trip") for check in RUNNING)),
        State.STANDBY: (
            *GUARDS,
            SITE_GUARD,
            *(Guard(unless_maintenance(check), "trip") for check in (DC_CLOSED, PCS_STANDS_BY)),
        ),
        State.FAULT: (*HEARD_GUARDS, *(Guard(check, "trip") for check in AT_REST_AS_A_WHOLE)),
    },
    known=KNOWN,
    rest=AT_REST_AS_A_WHOLE,
    no_maintenance=NO_MAINTENANCE,
    power=(*HEALTHY, *NO_FAULT_LISTED, NO_MAINTENANCE, SITE_HEARD, *RUNNING),
)
