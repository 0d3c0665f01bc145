"""State machines under an injected clock, with devices that do what they are told: on, off, standby, contactors."""

from __future__ import annotations

import pytest

from ess_bus.engine.states.plan import plan
from ess_bus.engine.states.power import shares
from ess_bus.reference import Reference
from tests.unit.states_plant import Plant


def test_on_and_off_in_order():
    plant = Plant()
    assert plant.state == "Off"
    plant.engine.set("/controls/ess/ActivePowerSetpoint", 100)
    plant.tell("OnCmd")
    assert plant.state == "Starting"
    assert plant.value("controls/ess/OnCmd") is False
    assert plant.value("status/ess/Step") == "bms: close the DC contactors"
    assert plant.value("status/bms/Step") == "the DC contactors are closed (10 s, attempt 1 of 3)"
    plant.until("Running")
    assert plant.sent == [("bms", "CloseContactors"), ("pcs", "Start")]
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 100
    assert plant.value("status/ess/PowerAllowed") is True
    assert [plant.value(f"status/{one}/SystemState") for one in ("bms", "pcs")] == ["Running", "Running"]
    plant.run(3600)
    plant.sent.clear()
    plant.tell("OffCmd")
    assert plant.state == "Shutdown"
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0
    plant.until("Off")
    assert plant.sent == [("pcs", "Stop"), ("pcs", "AcContactorOpen"), ("bms", "OpenContactors")]
    assert plant.value("status/ess/LastResult") == "stop: done"
    assert plant.commands() == []


def test_an_hour_at_rest_costs_nothing():
    plant = Plant().running()
    turns = []
    plant.run(3600, each=lambda: turns.append(1))
    assert len(turns) < 5
    assert plant.engine.due_s() > plant.clock_s


def test_the_power_follows_the_site_only_while_running_and_is_set_back_if_others_set_it():
    plant = Plant().running()
    plant.tell("ActivePowerSetpoint", -250)
    plant.tell("ReactivePowerSetpoint", 40)
    assert plant.value("controls/pcs/ActivePowerSetpoint") == -250
    assert plant.value("controls/pcs/ReactivePowerSetpoint") == 40
    plant.tell("ActivePowerSetpoint", None)
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0
    plant.tell("ActivePowerSetpoint", 300)
    plant.tell("OffCmd")
    plant.until("Off")
    plant.tell("ActivePowerSetpoint", 77, asset="pcs")
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0


def test_standby_and_back():
    plant = Plant().running()
    plant.tell("ActivePowerSetpoint", 100)
    plant.tell("StandbyCmd")
    assert plant.state == "Running"
    assert plant.value("status/ess/PowerAllowed") is False
    plant.until("Standby")
    assert plant.value("status/ess/StandBy") is True
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0
    plant.tell("StandbyCmd")
    assert plant.value("status/ess/LastResult") == "standby: it is Standby already"
    plant.tell("OnCmd")
    assert plant.state == "Starting"
    plant.until("Running")
    assert plant.sent == [("pcs", "Standby"), ("pcs", "Start")]
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 100
    assert plant.value("status/ess/StandBy") is False
    plant.tell("StandbyCmd")
    plant.until("Standby")
    plant.tell("OffCmd")
    plant.until("Off")


def test_the_power_is_given_time_to_come_down_before_the_pcs_is_stopped():
    plant = Plant().running()
    plant.tell("ActivePowerSetpoint", 100)
    plant.run(1)
    plant.engine.put(Reference("/states/ess", "near_zero_kw"), 2)
    plant.power_follows = False
    plant.tell("OffCmd")
    plant.run(3)
    assert plant.sent == []
    assert plant.value("status/ess/Step") == "the power is near 0 (10 s)"
    plant.report("pcs", ActivePower=-1.9)
    plant.run(0.1)
    assert plant.sent == [("pcs", "Stop")]


def test_contactors_by_their_own_commands():
    plant = Plant(options={"pcs": {"ac_contactor": "command"}})
    plant.tell("DcContactorCloseCmd")
    assert "ContactorControl is on" in plant.value("status/ess/LastResult")
    plant.tell("ContactorControl")
    plant.tell("OnCmd")
    assert "closed by their own command" in plant.value("status/ess/LastResult")
    plant.tell("DcContactorCloseCmd")
    plant.until("Ready")
    plant.tell("OnCmd")
    assert "AC contactor has been closed by its own command" in plant.value("status/ess/LastResult")
    plant.tell("AcContactorCloseCmd")
    plant.run(5)
    assert plant.sent == [("bms", "CloseContactors"), ("pcs", "AcContactorClose")]
    assert plant.value("status/ess/AcContactor") is True
    plant.tell("OnCmd")
    plant.until("Running")
    plant.tell("OffCmd")
    plant.until("Ready")
    plant.run(30)
    assert plant.value("status/bms/DCClosed") is True
    plant.sent.clear()
    plant.tell("AcContactorOpenCmd")
    plant.run(10)
    assert plant.state == "Ready"
    plant.tell("DcContactorOpenCmd")
    plant.until("Off")
    assert [command for _, command in plant.sent if "Open" in command] == ["AcContactorOpen", "OpenContactors"]


def test_opening_a_contactor_stops_the_pcs_first():
    plant = Plant()
    plant.running()
    plant.tell("ContactorControl")
    plant.tell("DcContactorOpenCmd")
    plant.until("Off")
    assert plant.sent == [("pcs", "Stop"), ("bms", "OpenContactors")]


def test_a_pcs_whose_ac_contactor_has_a_command_gets_it_before_the_start():
    plant = Plant(options={"pcs": {"ac_contactor": "command"}})
    plant.tell("OnCmd")
    plant.until("Running")
    assert plant.sent == [("bms", "CloseContactors"), ("pcs", "AcContactorClose"), ("pcs", "Start")]


def test_what_is_refused_says_why():
    plant = Plant(known=False)
    plant.tell("OnCmd")
    result = plant.value("status/ess/LastResult")
    assert result.startswith("start refused: it is in Init (expected: the BMS communicates; found: CommsOK of bms is")
    plant.appear()
    plant.report("bms", CommsOK=False)
    plant.tell("OnCmd")
    assert plant.value("status/ess/LastResult").startswith("start refused: it is in Init")
    plant.report("bms", CommsOK=True)
    plant.engine.tick()
    plant.engine.set("/assets/ess/summary", {"maint_mode": True})
    plant.events()
    plant.tell("OnCmd")
    refusal = "start refused: expected: maintenance mode is off; found: maint_mode of ess is true"
    assert plant.value("status/ess/LastResult") == refusal
    assert refusal in plant.events()
    assert plant.sent == []


def test_a_command_that_was_there_before_the_engine_is_none():
    plant = Plant(tables={"/controls/ess": {"OnCmd": True}, "/assets/bms/summary": {"close_contactors": True}})
    plant.run(10)
    assert plant.state == "Off"
    assert plant.value("controls/ess/OnCmd") is False
    assert plant.value("assets/bms/summary/close_contactors") is False


def test_machines_that_come_later_are_taken_in_whatever_their_order():
    plant = Plant(pcs=("pcs",))
    plant.engine.set("/states", {"bms_2": {"kind": "bms"}})
    plant.engine.set("/states", {"pcs_2": {"kind": "pcs"}})
    plant.engine.set("/states", {"ess_2": {"kind": "ess", "bms": "bms_2"}})
    plant.run(1)
    assert plant.value("status/ess_2/SystemState") == "Init"
    assert plant.engine.states.machines["pcs_2"].world.group.ess == "ess_2"
    assert plant.engine.states.machines["pcs"].world.group.ess == "ess"
    plant.running()


@pytest.mark.parametrize(
    ("devices", "state", "power"),
    [
        ({"bms": {"DCClosed": True}, "pcs": {"DeviceState": "Running", "AcContactor": True}}, "Running", 80),
        ({"bms": {"DCClosed": True}, "pcs": {"DeviceState": "Standby", "AcContactor": True}}, "Standby", 0),
        ({"bms": {"DCClosed": True}, "pcs": {"DeviceState": "Off", "AcContactor": False}}, "Ready", 0),
        ({"bms": {"DCClosed": False}, "pcs": {"DeviceState": "Off", "AcContactor": False}}, "Off", 0),
        ({"bms": {"DCClosed": False}, "pcs": {"DeviceState": "Running", "AcContactor": True}}, "Fault", 0),
        ({"bms": {"DCClosed": True}, "pcs": {"DeviceState": "Running", "AcContactor": False}}, "Fault", 0),
        ({"bms": {"DCClosed": None}, "pcs": {"DeviceState": "Running", "AcContactor": True}}, "Init", 0),
        ({"bms": {"DCClosed": True}, "pcs": {"DeviceState": "Starting", "AcContactor": True}}, "Init", 0),
        ({"bms": {"DCClosed": True}, "pcs": {"DeviceState": "nonsense", "AcContactor": True}}, "Init", 0),
        ({"bms": {"DCClosed": True, "CommsOK": False}, "pcs": {"DeviceState": "Running"}}, "Init", 0),
    ],
)
def test_an_engine_that_starts_beside_a_plant_adopts_what_fits_together_and_commands_nothing(devices, state, power):
    plant = Plant(known=False)
    plant.tell("ActivePowerSetpoint", 80)
    plant.run(100)
    assert plant.state == "Init"
    for asset in ("bms", "pcs"):
        plant.report(asset, **{"CommsOK": True, "IsFaulted": False, "ActivePower": 0} | devices[asset])
    plant.run(100)
    assert plant.state == state
    assert plant.value("controls/pcs/ActivePowerSetpoint") == power
    if "DeviceState" in devices["pcs"] and state != "Fault":
        assert plant.sent == []


def test_several_of_each_start_together_and_share_the_power_by_their_room():
    plant = Plant(bms=("bms_1", "bms_2"), pcs=("pcs_1", "pcs_2", "pcs_3"))
    for pcs, room in (("pcs_1", 1000), ("pcs_2", 2000), ("pcs_3", 4000)):
        plant.engine.set(f"/limits/{pcs}", {"MaxPCSDischargePower_HW": room, "MaxChargePower": -room})
    plant.tell("ActivePowerSetpoint", 5000)
    plant.running()
    shared = [plant.value(f"controls/pcs_{n}/ActivePowerSetpoint") for n in (1, 2, 3)]
    assert [round(share) for share in shared] == [714, 1429, 2857]
    plant.tell("ActivePowerSetpoint", -700)
    assert [plant.value(f"controls/pcs_{n}/ActivePowerSetpoint") for n in (1, 2, 3)] == [-100, -200, -400]
    plant.engine.put(Reference("/limits/pcs_3", "MaxChargePower"), None)
    plant.engine.tick()
    shared = [plant.value(f"controls/pcs_{n}/ActivePowerSetpoint") for n in (1, 2, 3)]
    assert shared == [pytest.approx(-233.33, abs=0.01), pytest.approx(-466.67, abs=0.01), 0]
    plant.report("bms_2", DCClosed=False)
    plant.engine.tick()
    assert plant.state == "Fault"
    assert "DCClosed of bms_2 is false" in plant.value("status/ess/LastResult")
    assert [plant.value(f"controls/pcs_{n}/ActivePowerSetpoint") for n in (1, 2, 3)] == [0, 0, 0]


def test_shares_add_up_and_nobody_without_room_gets_any():
    assert [round(share, 2) for share in shares(5000, [1000, 2000, 4000])] == [714.29, 1428.57, 2857.14]
    assert shares(100, [None, None]) == [0, 0]
    assert shares(100, [None]) == [100]
    assert shares(-90, [30, None, -60]) == [-30, 0, -60]


def test_a_site_that_is_watched_must_be_heard():
    plant = Plant(options={"ess": {"site_watch": True}})
    plant.tell("OnCmd")
    assert "the site controller communicates" in plant.value("status/ess/LastResult")
    plant.report("ess", SiteCommsOK=True)
    plant.tell("ActivePowerSetpoint", 50)
    plant.running()
    plant.report("ess", SiteCommsOK=None)
    plant.engine.tick()
    assert (plant.state, plant.value("controls/pcs/ActivePowerSetpoint")) == ("Running", 0)
    plant.run(0.5)
    plant.report("ess", SiteCommsOK=True)
    plant.run(1)
    assert (plant.state, plant.value("controls/pcs/ActivePowerSetpoint")) == ("Running", 50)
    plant.report("ess", SiteCommsOK=False)
    plant.engine.tick()
    assert plant.state == "Shutdown"
    assert plant.value("assets/ess/summary/alarms") == 1
    plant.until("Off")
    assert plant.value("assets/ess/summary/faults") in (0, None)
    plant.report("ess", SiteCommsOK=True)
    plant.running()
    assert plant.value("assets/ess/summary/alarms") == 0


def test_what_a_machine_does_is_visible():
    plant = Plant()
    plant.tell("OnCmd")
    variable = plant.engine.find("/status/ess", "SystemState")
    assert variable is not None
    assert variable.parameters["request"] == "start"
    assert variable.parameters["step"] == "close the DC contactors"
    assert variable.parameters["since"] == "1970-01-12 13:46:40"
    assert plant.value("states/bms/waits_for") == "the DC contactors are closed (10 s, attempt 1 of 3)"
    assert plant.value("states/bms/state") == "Starting"


def test_what_is_wrong_with_a_configuration_is_named_in_one_line_each():
    wanted = plan(
        {
            "ess": {"kind": "ess", "bms": "bms, bms_9"},
            "bms": {"kind": "bms", "close_s": -1, "close_trys": 3},
            "pcs": {"kind": "pcs", "ac_contactor": "maybe"},
            "dcdc": {"kind": "dcdc"},
        }
    )
    assert list(wanted.problems) == [
        "/states/bms:close_s: expected a number from 0 to 3600, got '-1'",
        "/states/bms:close_trys: no such option; did you mean close_tries, close_s, clear_tries?",
        "/states/pcs:ac_contactor: expected one of own, command, none, got 'maybe'",
        "/states/dcdc: kind: expected ess, bms, pcs, got 'dcdc'",
        '/states/ess: expected a table /states/bms_9 with "kind": "bms"; left out',
    ]
    assert list(wanted.tables) == ["bms", "pcs"]


def test_without_tables_there_are_no_machines_and_nothing_is_made():
    plant = Plant()
    plant.engine.load([])
    assert list(plan({}).tables) == []
