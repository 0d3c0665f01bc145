"""Functions that ask state machines for something, buttons, and what of machines is seen on the bus."""

from __future__ import annotations

import json

import pytest

from ess_bus.engine.meaning import member
from ess_bus.reference import Reference
from tests.unit.engine_desk import desk
from tests.unit.states_plant import Plant


def _calling(function, asset):
    return {"value": False, "actions": {"onSet": [{"func": [{"func": function, "amap": asset}]}]}}


def _plant(*functions, asset="ess"):
    plant = Plant(tables={"/assets/ess/summary": {"maint_mode": False}})
    plant.engine.set("/test/x", {function: {**_calling(function, asset), "value": "$$"} for function in functions})
    return plant


def _call(plant, function, value: object = True):
    plant.engine.set(f"/test/x/{function}", value)
    plant.engine.tick()
    plant.run(20)
    return plant.parameter(f"test/x/{function}", "result")


def test_people_start_and_stop_devices_one_by_one():
    steps = (
        ("LocalStartBMS", "bms", "Running", "Ready"),
        ("LocalStartPCS", "pcs", "Running", "Running"),
        ("LocalStandbyPCS", "pcs", "Standby", "Standby"),
        ("LocalStopPCS", "pcs", "Off", "Ready"),
        ("StartupPCS", "pcs", "Running", "Running"),
        ("ShutdownPCS", "pcs", "Off", "Ready"),
        ("LocalStopBMS", "bms", "Off", "Off"),
        ("StartupBMS", "bms", "Running", "Ready"),
        ("ShutdownBMS", "bms", "Off", "Off"),
    )
    plant = _plant(*(step[0] for step in steps))
    assert _call(plant, "LocalStartBMS") == -1
    assert "maintenance mode is on" in plant.parameter("test/x/LocalStartBMS", "reason")
    plant.engine.set("/assets/ess/summary/maint_mode", True)
    for function, asset, state, whole in steps:
        assert _call(plant, function) == 0, function
        assert (plant.value(f"status/{asset}/SystemState"), plant.state) == (state, whole), function
    assert _call(plant, "LocalStartPCS") == -1
    assert "the DC contactors are closed" in plant.parameter("test/x/LocalStartPCS", "reason")


def test_a_function_tells_that_its_request_is_under_way_and_asks_once():
    plant = _plant("LocalStartBMS")
    plant.engine.set("/assets/ess/summary/maint_mode", True)
    for _ in range(3):
        plant.engine.set("/test/x/LocalStartBMS", True)
        plant.engine.tick()
        plant.run(0.1)
        assert plant.parameter("test/x/LocalStartBMS", "result") == 1
    plant.run(5)
    assert plant.sent == [("bms", "CloseContactors")]
    plant.engine.set("/test/x/LocalStartBMS", False)
    assert plant.parameter("test/x/LocalStartBMS", "result") == 0


def test_a_scheduled_sequence_of_an_old_configuration_stops_itself():
    plant = Plant(tables={"/assets/ess/summary": {"maint_mode": True}})
    item = {"value": "schedStartupBMS", "fcn": "StartupBMS", "targ": "schedStartupBMS", "amap": "bms", "repTime": 0.1}
    plant.engine.set("/sched/bms/schedStartupBMS", {**item, **_calling("StartupBMS", "bms"), "value": "go"})
    plant.engine.tick()
    plant.run(20)
    assert plant.value("status/bms/DCClosed") is True
    assert plant.parameter("sched/bms/schedStartupBMS", "result") == 0
    assert plant.parameter("sched/bms/schedStartupBMS", "endTime") == 1


def test_the_site_controls_the_whole():
    plant = _plant("SiteRunCmd", "SitePCSStatusControl", "SiteBMSContactorControl")
    for value, state in ((-1, "Off"), (1, "Running"), (2, "Standby"), (7, "Standby"), (1, "Running"), (0, "Off")):
        _call(plant, "SiteRunCmd", value)
        assert plant.state == state
    assert _call(plant, "SitePCSStatusControl", 1) == 0
    assert _call(plant, "SitePCSStatusControl", 0) == 0
    assert _call(plant, "SiteBMSContactorControl", 2) == -1
    assert "ContactorControl is on" in plant.parameter("test/x/SiteBMSContactorControl", "reason")
    plant.tell("ContactorControl")
    assert _call(plant, "SiteBMSContactorControl", 2) == 0
    assert plant.state == "Ready"
    assert _call(plant, "SiteBMSContactorControl", 3) == 0
    assert plant.state == "Off"
    plant.engine.set("/assets/ess/summary/maint_mode", True)
    assert _call(plant, "SiteRunCmd", 1) == -1
    assert "maintenance mode is off" in plant.parameter("test/x/SiteRunCmd", "reason")


@pytest.mark.parametrize(
    ("function", "when_off", "when_closed", "when_running"),
    [
        ("CloseContactorsEnable", True, False, False),
        ("OpenContactorsEnable", True, True, False),
        ("StartEnable", False, True, False),
        ("StopEnable", True, True, True),
        ("StandbyEnable", False, True, True),
    ],
)
def test_functions_enable_buttons(function, when_off, when_closed, when_running):
    plant = _plant("LocalStartBMS", "LocalStartPCS")
    item = {"func": function, "inAv": "/test/x:button"}
    plant.engine.set("/test/x", {"button": False, "look": {"value": 0, "actions": {"onSet": [{"func": [item]}]}}})

    def enabled():
        plant.engine.set("/test/x/look", 1)
        return plant.parameter("test/x/button", "enabled")

    assert enabled() is False
    assert plant.parameter("test/x/button", "why_not") != ""
    plant.engine.set("/assets/ess/summary/maint_mode", True)
    assert enabled() is when_off
    _call(plant, "LocalStartBMS")
    assert enabled() is when_closed
    _call(plant, "LocalStartPCS")
    assert enabled() is when_running


def test_without_a_machine_a_function_says_what_it_expected(caplog):
    with desk() as person:
        person.say("set", "/ess/controls/bms", {"x": _calling("StartupBMS", "bms")})
        person.say("set", "/ess/controls/bms/x", True)
    assert 'StartupBMS: expected a state machine of kind "bms" (/states/bms); there is none' in caplog.text


def test_machines_are_seen_and_operated_over_the_bus():
    tables = {"ess": {"kind": "ess"}, "bms": {"kind": "bms"}, "pcs": {"kind": "pcs", "ac_contactor": "none"}}
    assignments = [
        member(Reference(f"/states/{asset}", name), value)
        for asset, members in tables.items()
        for name, value in members.items()
    ]
    with desk(assignments=assignments) as person:
        news = person.bus.subscribe("/events")
        person.say("set", "/ess/status/bms", {"CommsOK": True, "IsFaulted": False, "DCClosed": False})
        person.say("set", "/ess/status/pcs", {"CommsOK": True, "IsFaulted": False, "DeviceState": "Off"})
        person.turn()
        assert person.say("get", "/ess/status/ess/SystemState") == '"Off"'
        assert person.say("set", "/ess/controls/ess/OnCmd", True) == "true"
        person.turn()
        assert person.say("get", "/ess/controls/bms/CloseContactors") == "true"
        full = json.loads(person.say("get", "/ess/full/status/ess/SystemState"))["SystemState"]
        assert (full["value"], full["request"], full["step"]) == ("Starting", "start", "close the DC contactors")
        pictures = json.loads(person.say("get", "/ess/states"))
        assert pictures["bms"]["state"] == "Starting"
        assert pictures["bms"]["waits_for"] == "the DC contactors are closed (10 s, attempt 1 of 3)"
        assert pictures["bms"]["step_for_s"] >= 0
        assert person.say("get", "/ess/states/ess/state") == '"Starting"'
        told = [message.json()["message"] for message in person.heard(news)]
        assert "Off -> Starting: start: under way" in told
