"""The machine of a BMS: its contactors."""

from __future__ import annotations

from typing import Final

from ess_bus.engine.states.common import (
    ALL,
    AT_REST,
    COMMON_OPTIONS,
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

CLOSED: Final = Check("the DC contactors are closed", "{DCClosed}")
OPEN: Final = Check("the DC contactors are open", "not {DCClosed}")
MAY_CLOSE: Final = (HEARD, SOUND, *NO_EMERGENCY, NO_FAULT_SHUTDOWN)

BMS: Final = Table(
    kind="bms",
    title="BMS",
    requests=(
        Request(
            "open",
            "open the DC contactors",
            steps=(
                Step(
                    "open the DC contactors",
                    checks=(OPEN,),
                    commands=("OpenContactors",),
                    timeout="open_s",
                    tries="open_tries",
                    always=True,
                ),
            ),
            in_person=(MAINTENANCE, AT_REST),
            during=State.SHUTDOWN,
            button="open_contactors",
            interrupts=frozenset({"close", "clear"}),
        ),
        Request(
            "close",
            "close the DC contactors",
            upward=True,
            steps=(
                Step(
                    "close the DC contactors",
                    checks=(CLOSED,),
                    commands=("CloseContactors",),
                    timeout="close_s",
                    tries="close_tries",
                ),
            ),
            source=frozenset({State.OFF}),
            requires=MAY_CLOSE,
            in_person=(MAINTENANCE, ESS_WITHOUT_FAULT),
            keeps=tuple(Guard(check, "open") for check in MAY_CLOSE),
            during=State.STARTING,
            button="close_contactors",
            or_else="open",
            done_in=frozenset({State.RUNNING}),
        ),
        clear("BMS"),
    ),
    follows=(
        *failures("BMS"),
        Follow(ALL, State.RUNNING, (HEARD, SOUND, CLOSED)),
        Follow(ALL, State.OFF, (HEARD, SOUND, OPEN)),
        Follow(ALL, State.INIT, (), "not known"),
    ),
    options={
        "close_s": Option(10.0, "s for an attempt to close the contactors"),
        "close_tries": Option(3, "attempts to close the contactors", 1, 100),
        "open_s": Option(5.0, "s for an attempt to open the contactors"),
        "open_tries": Option(3, "attempts to open the contactors", 1, 100),
        **COMMON_OPTIONS,
    },
    known=(HEARD,),
    inputs={
        "/status/{bms}:CommsOK": "it communicates",
        "/status/{bms}:DCClosed": "all contactors that it needs are closed",
        "/status/{bms}:IsFaulted": "it reports a fault",
    },
)
