"""The machine of a PCS: running, standby, and its AC contactor."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.states.common import (
    ALL,
    COMMON_OPTIONS,
    DC_CLOSED,
    ESS_WITHOUT_FAULT,
    HEARD,
    MAINTENANCE,
    NO_EMERGENCY,
    NO_FAULT_SHUTDOWN,
    SOUND,
    clear,
    failures,
)
from ess_bus.engine.states.model import Check, Follow, Guard, Option, Request, State, Step, Table

RUNS: Final = Check("the PCS runs", "{DeviceState} == Running")
STANDS_BY: Final = Check("the PCS is in standby", "{DeviceState} == Standby")
STOPPED: Final = Check("the PCS is stopped", "{DeviceState} == Off or {DeviceState} == Ready or {DeviceState} == Fault")
AC_CLOSED: Final = Check("the AC contactor is closed", "{AcContactor}")
AC_OPEN: Final = Check("the AC contactor is open", "not {AcContactor}")
HAS_AC: Final = Check("there is an AC contactor", "{option:ac_contactor} != none")
COMMANDS_AC: Final = Check("the AC contactor has a command of its own", "{option:ac_contactor} == command")
MAY_RUN: Final = (HEARD, SOUND, *NO_EMERGENCY, NO_FAULT_SHUTDOWN, DC_CLOSED)
MAY_CLOSE: Final = (HEARD, SOUND, *NO_EMERGENCY, NO_FAULT_SHUTDOWN)

STOP: Final = Step(
    "stop the PCS", checks=(STOPPED,), commands=("Stop",), timeout="stop_s", tries="stop_tries", always=True
)
CLOSE_AC: Final = Step(
    "close the AC contactor",
    checks=(AC_CLOSED,),
    commands=("AcContactorClose",),
    timeout="ac_s",
    tries="ac_tries",
    only_if=COMMANDS_AC,
)
START: Final = Step("start the PCS", checks=(RUNS,), commands=("Start",), timeout="start_s", tries="start_tries")
AC_FOLLOWS: Final = Step("see the AC contactor close", checks=(AC_CLOSED,), timeout="ac_s", only_if=HAS_AC)

PCS: Final = Table(
    kind="pcs",
    title="PCS",
    requests=(
        Request(
            "emergency",
            "stop the PCS by its emergency stop",
            steps=(
                Step("stop the PCS", (STOPPED,), ("EStop", "Stop"), timeout="trip_s", tries="trip_tries", always=True),
            ),
            during=State.SHUTDOWN,
            interrupts=frozenset({"trip", "stop", "open_ac", "standby", "start", "close_ac", "clear"}),
        ),
        Request(
            "trip",
            "stop the PCS at once",
            steps=(
                Step("stop the PCS", (STOPPED,), ("Stop",), timeout="trip_s", always=True, goes_on=True),
                Step("stop the PCS by its emergency stop", (STOPPED,), ("EStop",), timeout="trip_s"),
            ),
            during=State.SHUTDOWN,
            interrupts=frozenset({"stop", "open_ac", "standby", "start", "close_ac", "clear"}),
        ),
        Request(
            "stop",
            "stop the PCS",
            steps=(STOP,),
            in_person=(MAINTENANCE,),
            during=State.SHUTDOWN,
            button="stop",
            interrupts=frozenset({"standby", "start", "close_ac", "clear"}),
        ),
        Request(
            "open_ac",
            "open the AC contactor",
            steps=(
                Step(
                    "open the AC contactor",
                    checks=(AC_OPEN,),
                    commands=("AcContactorOpen",),
                    timeout="ac_s",
                    tries="ac_tries",
                    only_if=HAS_AC,
                    always=True,
                ),
            ),
            in_person=(MAINTENANCE, STOPPED),
            during=State.SHUTDOWN,
            interrupts=frozenset({"start", "close_ac", "clear"}),
        ),
        Request(
            "standby",
            "put the PCS into standby",
            upward=True,
            steps=(
                Step(
                    "put the PCS into standby", (STANDS_BY,), ("Standby",), timeout="standby_s", tries="standby_tries"
                ),
            ),
            source=frozenset({State.RUNNING, State.READY, State.OFF}),
            requires=MAY_RUN,
            in_person=(MAINTENANCE, ESS_WITHOUT_FAULT),
            keeps=tuple(Guard(check, "trip") for check in MAY_RUN),
            button="standby",
            or_else="stop",
            done_in=frozenset({State.STANDBY}),
        ),
        Request(
            "start",
            "start the PCS",
            upward=True,
            steps=(CLOSE_AC, START, AC_FOLLOWS),
            source=frozenset({State.OFF, State.READY, State.STANDBY}),
            requires=MAY_RUN,
            in_person=(MAINTENANCE, ESS_WITHOUT_FAULT),
            keeps=tuple(Guard(check, "trip") for check in MAY_RUN),
            during=State.STARTING,
            button="start",
            or_else="stop",
            done_in=frozenset({State.RUNNING}),
        ),
        Request(
            "close_ac",
            "close the AC contactor",
            upward=True,
            steps=(
                Step(
                    "close the AC contactor",
                    checks=(AC_CLOSED,),
                    commands=("AcContactorClose",),
                    timeout="ac_s",
                    tries="ac_tries",
                    only_if=HAS_AC,
                ),
            ),
            source=frozenset({State.OFF, State.READY}),
            requires=MAY_CLOSE,
            in_person=(MAINTENANCE, ESS_WITHOUT_FAULT),
            keeps=tuple(Guard(check, "open_ac") for check in MAY_CLOSE),
            during=State.STARTING,
            or_else="open_ac",
        ),
        clear("PCS"),
    ),
    follows=(
        *failures("PCS"),
        *(
            Follow(ALL, state, (HEARD, SOUND, Check(f"it reports {state}", f"{{DeviceState}} == {state}")))
            for state in State
            if state is not State.INIT
        ),
        Follow(ALL, State.INIT, (), "not known"),
    ),
    options={
        "ac_contactor": Option(
            "own",
            "who closes the AC contactor: the PCS when it starts (own), or a command before that (command); "
            "none: there is none to be seen",
            choices=("own", "command", "none"),
        ),
        "start_s": Option(30.0, "s for an attempt to start"),
        "start_tries": Option(3, "attempts to start", 1, 100),
        "stop_s": Option(10.0, "s for an attempt to stop"),
        "stop_tries": Option(3, "attempts to stop", 1, 100),
        "trip_s": Option(2.0, "s for an attempt to stop at once"),
        "trip_tries": Option(2, "attempts with the emergency stop", 1, 100),
        "standby_s": Option(10.0, "s for an attempt to go into standby"),
        "standby_tries": Option(3, "attempts to go into standby", 1, 100),
        "ac_s": Option(5.0, "s for an attempt to move the AC contactor"),
        "ac_tries": Option(3, "attempts to move the AC contactor", 1, 100),
        **COMMON_OPTIONS,
    },
    known=(HEARD,),
    inputs={
        "/status/{pcs}:CommsOK": "it communicates",
        "/status/{pcs}:DeviceState": "Init, Off, Starting, Ready, Running, Standby, Shutdown or Fault",
        "/status/{pcs}:IsFaulted": "it reports a fault",
        "/status/{pcs}:AcContactor": "its AC contactor is closed",
        "/status/{pcs}:ActivePower": "kW, measured; discharge is positive",
    },
)
