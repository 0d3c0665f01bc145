"""The page of the state machines shows the tables as they are, and every arrow of the ESS is one that happens."""

from __future__ import annotations

import re
from pathlib import Path

from ess_bus.engine.states.model import State
from ess_bus.engine.states.plan import TABLES
from tests.unit.states_plant import Plant
from tests.unit.states_sequences import SEQUENCES, press
from tools.states_page import arrows, render

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
_CHANGE = re.compile(r"(\w+) -> (\w+)(?:: .*)?")


def test_the_page_is_up_to_date():
    text = PAGE.read_text()
    assert render(text) == text, "`make docs` writes it anew"


def _changes(plant, asset="ess"):
    """Return the changes of state of an asset that were told since the last call."""
    told = [one.body for one in plant.engine.take_messages() if one.uri == "/events"]
    found = (_CHANGE.fullmatch(body["message"]) for body in told if body["source"] == asset)
    return {(State(one[1]), State(one[2])) for one in found if one is not None}


def _adopted(**pcs):
    plant = Plant(known=False)
    plant.appear()
    plant.report("bms", DCClosed=pcs.pop("closed"))
    plant.report("pcs", **pcs)
    plant.run(1)
    return plant


def _by_hand():
    """Move the devices of a running ESS in maintenance mode, at their own panels too."""
    plant = Plant().running()
    plant.engine.set("/assets/ess/summary", {"maint_mode": True})
    plant.engine.set("/assets/pcs/summary", {"start": False, "stop": False, "standby": False})
    plant.engine.tick()
    for button in ("standby", "stop", "start", "stop", "standby", "start", "standby"):
        press("pcs", button)(plant)
        plant.run(5)
    for state in ("Starting", "Running", "Off", "Starting", "Standby", "Shutdown", "Standby", "Shutdown", "Running"):
        plant.report("pcs", DeviceState=state)
        plant.run(5)
    for state in ("Off", "Standby", "Running", "Shutdown"):
        plant.report("pcs", DeviceState=state)
        plant.run(5)
    return plant


def _commanded(*commands, prepare=()):
    plant = Plant()
    for command in prepare:
        plant.tell(command)
        plant.run(10)
    for command in commands:
        plant.tell(command)
    plant.run(30)
    return plant


def test_every_arrow_of_the_ess_happens_and_no_other():
    seen = set()
    for sequence in SEQUENCES:
        plant = sequence.started()
        plant.run(30)
        seen |= _changes(plant)
    plants = [
        _adopted(closed=True, DeviceState="Running", AcContactor=True),
        _adopted(closed=True, DeviceState="Standby", AcContactor=True),
        _adopted(closed=True),
        _by_hand(),
        _commanded("OnCmd", "OffCmd"),
        _commanded("OffCmd", prepare=("ContactorControl", "DcContactorCloseCmd")),
        _commanded("AcContactorOpenCmd", prepare=("ContactorControl", "DcContactorCloseCmd")),
        _commanded("OnCmd", prepare=("ContactorControl", "DcContactorCloseCmd")),
        _commanded("DcContactorOpenCmd", prepare=("OnCmd", "StandbyCmd", "ContactorControl")),
        _commanded("DcContactorOpenCmd", prepare=("ContactorControl",)),
    ]
    unknown = Plant(known=False)
    unknown.tell("OffCmd")
    opened = _adopted(closed=True)
    opened.report("bms", DCClosed=False)
    opened.run(1)
    failed = _commanded("OnCmd", "ContactorControl")
    failed.tell("OffCmd")
    failed.run(20)
    for plant in (*plants, unknown, opened, failed):
        seen |= _changes(plant)
    drawn = {(source, to) for source, to, _ in arrows(TABLES["ess"])} - {(State.INIT, State.FAULT)}
    to_fault = {(state, State.FAULT) for state in State}
    assert drawn - seen == set()
    assert seen - drawn - to_fault == set()
