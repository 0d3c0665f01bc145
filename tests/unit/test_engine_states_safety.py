"""State machines when things go wrong: an emergency stop, stale values, trips and devices that do not obey."""

from __future__ import annotations

import pytest

from ess_bus.engine.states.plan import TABLES
from tests.unit.states_plant import Plant
from tests.unit.states_sequences import SEQUENCES, press

# What makes a plant more dangerous than it is.
_UPWARD = {"CloseContactors", "Start", "Standby", "AcContactorClose"}
_IDS = [sequence.name.replace(" ", "-") for sequence in SEQUENCES]


def _under_way(plant):
    """Return what the machines are doing: (kind, request, step)."""
    machines = plant.engine.states.machines.values()
    return {(one.table.kind, one.request.name, one.step) for one in machines if one.request is not None}


def _moments(sequence, patience_s=40.0):
    """Return the times at which something happens while a sequence is carried out, and what is under way then."""
    plant, found = sequence.started(), []
    begin = plant.clock_s
    found.append((0.0, _under_way(plant)))
    plant.run(patience_s, each=lambda: found.append((plant.clock_s - begin, _under_way(plant))))
    return [(moment, doing) for moment, doing in found if doing]


def _assert_power_is_off(plant) -> None:
    assert plant.value("status/ess/PowerAllowed") is False
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 0


def _disturbed(sequence, disturb):
    """Yield plants in which each moment of a sequence was disturbed, with the commands since then."""
    for moment, _ in _moments(sequence):
        plant = sequence.started()
        plant.run(moment)
        plant.sent.clear()
        disturb(plant)
        plant.engine.tick()
        yield plant


@pytest.mark.parametrize("sequence", SEQUENCES, ids=_IDS)
def test_an_emergency_stop_at_any_step_makes_everything_safe(sequence):
    for plant in _disturbed(sequence, lambda plant: plant.tell("EStop")):
        _assert_power_is_off(plant)
        assert plant.state == "Fault"
        assert not _UPWARD & {command for _, command in plant.commands()}
        plant.run(60)
        assert plant.state == "Fault"
        assert plant.value("status/bms/DCClosed") is False
        assert plant.value("status/pcs/DeviceState") == "Off"
        assert plant.value("status/pcs/AcContactor") is False
        assert plant.commands() == []
        assert ("pcs", "EStop") in plant.sent
        assert not _UPWARD & {command for _, command in plant.sent}
        assert plant.value("assets/ess/summary/faults") == 1
        plant.tell("ClearFaultsCmd")
        assert "no emergency stop" in plant.value("status/ess/LastResult")
        plant.tell("EStop", False)
        plant.tell("ClearFaultsCmd")
        plant.run(30)
        assert plant.state == "Off", plant.value("status/ess/LastResult")


@pytest.mark.parametrize("asset", ["bms", "pcs"])
@pytest.mark.parametrize("sequence", SEQUENCES, ids=_IDS)
def test_a_device_that_falls_silent_at_any_step_leads_to_a_safe_state(sequence, asset):
    for plant in _disturbed(sequence, lambda plant: plant.silence(asset)):
        _assert_power_is_off(plant)
        sent = len(plant.sent)
        plant.run(120)
        assert not _UPWARD & {command for one, command in plant.sent[sent:] if one == asset}
        assert plant.state == "Fault"
        # It is made safe again and again until somebody knows that it is.
        assert not _UPWARD & {command for _, command in plant.commands()}
        if asset == "pcs":
            assert plant.value("status/bms/DCClosed") is False
        else:
            assert plant.value("status/pcs/DeviceState") == "Off"


@pytest.mark.parametrize("cause", [{"IsFaulted": True}, {"CommsOK": False}])
@pytest.mark.parametrize("asset", ["bms", "pcs"])
@pytest.mark.parametrize("sequence", SEQUENCES, ids=_IDS)
def test_a_fault_at_any_step_leads_to_a_safe_state_at_once(sequence, asset, cause):
    for plant in _disturbed(sequence, lambda plant: plant.report(asset, **cause)):
        _assert_power_is_off(plant)
        assert plant.state == "Fault"
        assert not _UPWARD & {command for _, command in plant.commands()}
        plant.run(60)
        assert plant.value("status/bms/DCClosed") is False
        assert plant.value("status/pcs/DeviceState") == "Off"
        assert not _UPWARD & {command for _, command in plant.sent}


def test_every_step_of_every_table_is_among_the_disturbed_ones():
    seen = set()
    for sequence in SEQUENCES:
        seen |= set().union(*(doing for _, doing in _moments(sequence)))
    stuck = _stuck("pcs", "Stop", Plant().running())
    stuck.report("bms", IsFaulted=True)
    stuck.engine.tick()
    stuck.run(30, each=lambda: seen.update(_under_way(stuck)))
    pressed = Plant().running()
    pressed.tell("EStop")
    seen |= _under_way(pressed)
    pressed.run(30, each=lambda: seen.update(_under_way(pressed)))
    every = {
        (kind, request.name, step.words)
        for kind, table in TABLES.items()
        for request in table.requests
        for step in request.steps
    }
    # These are over as soon as they begin where everything is in order.
    at_once = {("pcs", "start", "see the AC contactor close"), ("ess", "clear", "see that no fault is left")}
    assert every - seen - at_once == set()


# -- devices that do not obey ------------------------------------------------------------------------------------------


def _stuck(asset: str, command: str, plant: Plant) -> Plant:
    plant.stuck.add((asset, command))
    return plant


@pytest.mark.parametrize(
    ("options", "command", "attempts", "words"),
    [
        ({}, ("bms", "CloseContactors"), 3, "the DC contactors are closed; found: DCClosed of bms is false"),
        ({}, ("pcs", "Start"), 3, "the PCS runs; found: DeviceState of pcs is Off"),
        ({"ac_contactor": "command"}, ("pcs", "AcContactorClose"), 3, "the AC contactor is closed"),
    ],
)
def test_a_start_that_fails_is_tried_again_then_undone_and_says_what_was_expected(options, command, attempts, words):
    plant = _stuck(command[0], command[1], Plant(options={"pcs": options}))
    plant.tell("OnCmd")
    plant.until("Fault", 200)
    assert plant.sent.count(command) == attempts
    result = plant.value("status/ess/LastResult")
    assert result.startswith("start failed: ")
    assert words in result
    assert f"{attempts} attempts of " in result
    assert plant.value("assets/ess/summary/faults") == 1
    plant.run(60)
    assert plant.value("status/bms/DCClosed") is False
    assert plant.value("status/pcs/DeviceState") == "Off"
    plant.stuck.clear()
    plant.tell("ClearFaultsCmd")
    plant.until("Off")
    assert plant.value("assets/ess/summary/faults") == 0
    plant.running()


def test_attempts_come_one_time_out_after_the_other():
    plant = _stuck("bms", "CloseContactors", Plant(options={"bms": {"close_s": 7, "close_tries": 2}}))
    plant.tell("OnCmd")
    plant.run(6.9)
    assert plant.sent == [("bms", "CloseContactors")]
    plant.run(0.2)
    assert plant.sent == [("bms", "CloseContactors")] * 2
    plant.run(6.8)
    assert plant.state == "Starting"
    plant.run(0.2)
    assert plant.state == "Fault"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("Stop", "the PCS is stopped; found: DeviceState of pcs is Running"),
        ("AcContactorOpen", "the AC contactor is open; found: AcContactor of pcs is true"),
        ("OpenContactors", "the DC contactors are open; found: DCClosed of bms is true"),
    ],
)
def test_a_stop_that_fails_makes_everything_else_safe(command, words):
    asset = "bms" if command == "OpenContactors" else "pcs"
    plant = _stuck(asset, command, Plant().running())
    plant.tell("OffCmd")
    plant.until("Fault", 200)
    assert words in plant.value("status/ess/LastResult")
    plant.run(100)
    assert plant.value("status/pcs/DeviceState") == "Off"
    assert plant.value("status/bms/DCClosed") is (command == "OpenContactors")
    assert (("pcs", "EStop") in plant.sent) is (command == "Stop")
    plant.tell("ClearFaultsCmd")
    plant.run(100)
    assert plant.state == ("Off" if command == "Stop" and ("pcs", "Stop") not in plant.stuck else plant.state)
    plant.stuck.clear()
    plant.tell("ClearFaultsCmd")
    plant.until("Off")


def test_a_standby_that_fails_shuts_down():
    plant = _stuck("pcs", "Standby", Plant().running())
    plant.tell("StandbyCmd")
    plant.until("Fault")
    assert "the PCS is in standby" in plant.value("status/ess/LastResult")
    plant.run(60)
    assert plant.value("status/bms/DCClosed") is False


def test_power_that_does_not_come_down_does_not_hold_up_a_stop():
    plant = Plant().running()
    plant.tell("ActivePowerSetpoint", 100)
    plant.run(1)
    plant.power_follows = False
    plant.tell("OffCmd")
    plant.run(9.9)
    assert plant.sent == []
    plant.run(0.2)
    assert plant.sent == [("pcs", "Stop")]
    plant.until("Off")
    assert "the power is near 0; found: ActivePower of pcs is 100" in plant.value("status/ess/LastResult")
    assert plant.value("assets/ess/summary/alarms") == 1


def test_a_stop_during_a_start_wins_even_if_the_contactors_close_afterwards():
    for delay_s in (0.1, 0.9, 2.0):
        plant = Plant(delay_s=delay_s)
        plant.tell("OnCmd")
        plant.run(0.05)
        plant.tell("OffCmd")
        assert plant.value("controls/bms/CloseContactors") is False
        plant.until("Off")
        plant.run(30)
        assert (plant.state, plant.value("status/bms/DCClosed")) == ("Off", False)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/controls/bms/CloseContactors", True),
        ("/controls/bms/CloseContactors@value", True),
        ("/controls/bms", {"CloseContactors": {"value": True}}),
        ("/controls", {"bms": {"CloseContactors": True}}),
        ("/", {"/controls/pcs": {"Start": True}}),
        ("/controls/pcs/EStop", False),
    ],
)
def test_nobody_commands_a_device_past_its_machine(path, body):
    plant = Plant(tables={"/controls/bms": {"CloseContactors": False}})
    plant.tell("EStop")
    plant.run(10)
    plant.sent.clear()
    with pytest.raises(ValueError, match="is commanded by the state machine of"):
        plant.engine.set(path, body)
    plant.run(10)
    assert (plant.sent, plant.value("status/bms/DCClosed")) == ([], False)
    assert any("a set was refused" in event for event in plant.events())


def test_on_and_off_at_once_is_off():
    plant = Plant()
    plant.engine.set("/controls/ess", {"OnCmd": True, "OffCmd": True})
    plant.engine.tick()
    plant.run(30)
    assert (plant.state, plant.sent) == ("Off", [])


def test_an_emergency_stop_that_was_pressed_for_a_moment_only_counts():
    plant = Plant().running()
    plant.engine.set("/controls/ess/EStop", True)
    plant.engine.set("/controls/ess/EStop", False)
    plant.engine.tick()
    assert plant.state == "Fault"
    assert plant.value("assets/ess/summary/faults") == 1


def test_an_emergency_stop_is_obeyed_in_any_state_and_one_that_is_not_valid_is_pressed():
    plant = Plant(known=False)
    plant.tell("EStop")
    assert plant.state == "Fault"
    assert ("pcs", "EStop") in plant.sent
    plant = Plant(tables={"/controls/ess": {"EStop": None}})
    plant.run(60)
    assert (plant.state, plant.sent) == ("Init", [])
    plant.tell("EStop", False)
    plant.running()
    plant.tell("EStop", None)
    _assert_power_is_off(plant)
    assert plant.state == "Running"
    plant.run(1)
    assert plant.state == "Fault"


# -- trips -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asset", "values", "words"),
    [
        ("bms", {"DCClosed": False}, "DC contactors are closed"),
        ("pcs", {"AcContactor": False}, "AC contactor is closed"),
        ("pcs", {"DeviceState": "Off"}, "the PCS runs"),
        ("pcs", {"DeviceState": "Fault", "IsFaulted": True}, "the PCS reports no fault"),
        ("bms", {"FaultShutdown": True}, "no fault stands in the list of the BMS"),
    ],
)
def test_a_device_that_leaves_running_by_itself_is_a_fault_and_clears(asset, values, words):
    plant = Plant()
    plant.tell("ActivePowerSetpoint", 100)
    plant.running()
    plant.report(asset, **values)
    plant.engine.tick()
    _assert_power_is_off(plant)
    assert plant.state == "Fault"
    assert words in plant.value("status/ess/LastResult")
    message = plant.parameter("assets/ess/summary/faults", "options")[0]
    assert words in message["name"]
    assert message["return_value"] == 4
    plant.run(60)
    assert plant.value("status/bms/DCClosed") is False
    plant.tell("OnCmd")
    assert plant.value("status/ess/LastResult").startswith("start refused: it is in Fault")
    if asset == "pcs" and "IsFaulted" in values:
        plant.report("pcs", DeviceState="Off")
    plant.tell("ClearFaultsCmd")
    plant.until("Off")
    assert plant.value("assets/ess/summary/faults") == 0
    plant.running()


@pytest.mark.parametrize("values", [{"DCClosed": None}, {"CommsOK": None}, {"IsFaulted": None}])
def test_what_is_not_valid_for_a_moment_takes_the_power_and_nothing_else(values):
    plant = Plant()
    plant.tell("ActivePowerSetpoint", 100)
    plant.running()
    before = {name: plant.value(f"status/bms/{name}") for name in values}
    plant.report("bms", **values)
    plant.engine.tick()
    assert plant.state == "Running"
    _assert_power_is_off(plant)
    plant.run(0.9)
    plant.report("bms", **before)
    plant.engine.tick()
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 100
    plant.run(60)
    assert (plant.state, plant.sent) == ("Running", [])
    plant.report("bms", **values)
    plant.run(1.1)
    assert plant.state == "Fault"
    assert "not valid" in plant.value("status/ess/LastResult")


def test_no_attempt_is_made_while_something_is_not_known():
    plant = _stuck("bms", "CloseContactors", Plant(options={"bms": {"close_s": 2}}))
    plant.tell("OnCmd")
    plant.run(1.5)
    plant.report("bms", CommsOK=None)
    plant.run(0.6)
    assert plant.sent.count(("bms", "CloseContactors")) == 1
    assert plant.state == "Fault"
    assert "CommsOK of bms is not valid" in plant.value("status/ess/LastResult")


def test_what_others_do_for_a_request_ends_with_it():
    plant = Plant()
    plant.tell("ContactorControl")
    plant.tell("DcContactorCloseCmd")
    assert plant.commands() == [("bms", "CloseContactors")]
    plant.tell("AcContactorOpenCmd")
    assert ("bms", "CloseContactors") not in plant.commands()
    assert plant.value("status/bms/LastResult") == "close called off"


def test_a_pcs_that_runs_without_having_been_asked_is_stopped():
    plant = Plant()
    plant.report("pcs", DeviceState="Running", AcContactor=True)
    plant.run(30)
    assert plant.state == "Fault"
    assert plant.value("status/pcs/DeviceState") == "Off"


def test_in_fault_what_is_not_at_rest_is_made_safe_again_and_again_said_once_and_counted():
    plant = Plant(options={"ess": {"repeat_s": 20}}).running()
    plant.stuck.add(("bms", "OpenContactors"))
    plant.report("bms", IsFaulted=True)
    plant.run(60)
    plant.events()
    plant.sent.clear()
    plant.run(3600)
    # 15 s of attempts, then 20 s of waiting.
    opened = [one for one in plant.sent if one == ("bms", "OpenContactors")]
    assert 3 * 100 <= len(opened) <= 3 * 104
    assert plant.events() == []
    assert "not at rest, made safe 10" in plant.value("status/ess/LastResult")
    assert len(plant.parameter("assets/ess/summary/faults", "options")) < 5
    plant.tell("OnCmd")
    assert any("start refused" in event for event in plant.events())
    plant.stuck.clear()
    plant.run(60)
    assert plant.value("status/bms/DCClosed") is False
    assert [event for event in plant.events() if "at rest, after it was made safe 10" in event]
    plant.sent.clear()
    plant.run(3600)
    assert plant.sent == []
    plant.report("bms", DCClosed=True)
    plant.run(30)
    assert plant.value("status/bms/DCClosed") is False


def test_a_new_fault_is_told_while_everything_is_made_safe_again():
    plant = Plant(bms=("bms", "bms_2")).running()
    plant.stuck.add(("bms", "OpenContactors"))
    plant.report("bms", IsFaulted=True)
    plant.until("Fault")
    plant.run(60)
    plant.events()
    for _ in range(40):
        plant.run(1)
        if plant.value("states/ess/request"):
            break
    assert plant.value("states/ess/request") == "trip"
    plant.report("bms_2", IsFaulted=True)
    plant.engine.tick()
    assert any("IsFaulted of bms_2 is true" in event for event in plant.events())


def test_a_pcs_that_does_not_stop_in_fault_is_stopped_again_by_its_emergency_stop_too():
    plant = Plant().running()
    plant.stuck |= {("pcs", "Stop"), ("pcs", "EStop")}
    plant.tell("SiteEStop")
    plant.run(60)
    plant.sent.clear()
    plant.run(60)
    assert {("pcs", "Stop"), ("pcs", "EStop")} <= set(plant.sent)
    assert {name for _, name in plant.sent} <= {"Stop", "EStop", "OpenContactors", "AcContactorOpen"}
    plant.stuck.clear()
    plant.run(60)
    assert plant.value("status/pcs/DeviceState") == "Off"


@pytest.mark.parametrize(
    ("asset", "commands", "values"),
    [
        ("bms", ("OpenContactors",), {"DCClosed": True}),
        ("pcs", ("Stop", "EStop", "AcContactorOpen"), {"DeviceState": "Running", "AcContactor": True}),
    ],
)
def test_a_device_that_was_lost_and_comes_back_as_it_was_is_made_safe(asset, commands, values):
    plant = Plant().running()
    plant.stuck |= {(asset, command) for command in commands}
    plant.silence(asset)
    plant.run(120)
    assert plant.state == "Fault"
    plant.stuck.clear()
    plant.silent.clear()
    plant.report(asset, CommsOK=True, IsFaulted=False, ActivePower=0, **values)
    plant.run(60)
    assert plant.state == "Fault"
    assert plant.value("status/bms/DCClosed") is False
    assert plant.value("status/pcs/DeviceState") == "Off"
    assert plant.value("status/pcs/AcContactor") is False


def test_one_device_that_does_not_obey_hides_no_other_one_that_comes_back():
    plant = Plant(bms=("bms_1", "bms_2")).running()
    plant.stuck |= {("bms_1", "OpenContactors"), ("bms_2", "OpenContactors")}
    plant.silence("bms_2")
    plant.run(120)
    plant.stuck.remove(("bms_2", "OpenContactors"))
    plant.silent.clear()
    plant.report("bms_2", CommsOK=True, IsFaulted=False, DCClosed=True)
    plant.run(60)
    assert (plant.value("status/bms_1/DCClosed"), plant.value("status/bms_2/DCClosed")) == (True, False)


def test_a_state_that_came_by_itself_says_so_and_not_what_was_asked_for_before():
    plant = Plant().running()
    plant.engine.set("/assets/ess/summary", {"maint_mode": True})
    plant.report("pcs", DeviceState="Off", AcContactor=False)
    plant.engine.tick()
    assert (plant.state, plant.value("status/ess/LastResult")) == ("Ready", "moved in maintenance mode")
    beside = Plant(known=False)
    beside.report("bms", CommsOK=True, IsFaulted=False, DCClosed=True)
    beside.report("pcs", CommsOK=True, IsFaulted=False, DeviceState="Running", AcContactor=True, ActivePower=0)
    beside.engine.tick()
    assert (beside.state, beside.value("status/ess/LastResult")) == ("Running", "found running")


def test_what_is_refused_does_not_hide_why_it_is_in_fault_nor_what_comes_of_the_rest():
    plant = Plant().running()
    plant.report("bms", IsFaulted=True)
    plant.engine.tick()
    plant.tell("OnCmd")
    assert plant.value("status/ess/LastResult") == "start refused: trip is under way"
    plant.run(30)
    cause = "expected: the BMS reports no fault; found: IsFaulted of bms is true"
    assert plant.value("status/ess/LastResult") == cause
    for _ in range(3):
        plant.tell("OnCmd")
        expected = f"start refused: it is in Fault ({cause}); possible in Off, Ready, Standby"
        assert plant.value("status/ess/LastResult") == expected
    plant = Plant().running()
    plant.tell("OffCmd")
    plant.tell("OnCmd")
    assert plant.value("status/ess/LastResult") == "start refused: stop is under way"
    plant.until("Off")
    assert plant.value("status/ess/LastResult") == "stop: done"


def test_faults_are_not_cleared_while_their_cause_is_there():
    plant = Plant().running()
    plant.stuck.add(("bms", "ClearFaults"))
    plant.report("bms", IsFaulted=True)
    plant.run(30)
    plant.tell("ClearFaultsCmd")
    plant.run(60)
    assert plant.state == "Fault"
    assert "clear failed" in plant.value("status/ess/LastResult")
    assert "IsFaulted of bms is true" in plant.value("status/ess/LastResult")
    assert plant.value("assets/ess/summary/faults") == 1
    plant.stuck.clear()
    plant.tell("ClearFaultsCmd")
    plant.until("Off")
    plant.report("bms", CommsOK=False)
    plant.engine.tick()
    assert plant.state == "Fault"
    plant.run(30)
    plant.tell("ClearFaultsCmd")
    assert "clear refused: expected: the BMS communicates" in plant.value("status/ess/LastResult")


def test_off_opens_what_is_closed_though_the_ess_is_off_as_a_whole():
    plant = Plant(bms=("bms_1", "bms_2"))
    plant.report("bms_2", DCClosed=True)
    plant.engine.tick()
    assert plant.state == "Off"
    plant.tell("OffCmd")
    plant.until("Off")
    assert plant.value("status/bms_2/DCClosed") is False
    plant.sent.clear()
    plant.tell("OffCmd")
    assert (plant.sent, plant.value("status/ess/LastResult")) == ([], "stop: it is Off already")


def test_off_in_fault_makes_everything_safe_once_more():
    plant = _stuck("bms", "OpenContactors", Plant().running())
    plant.report("pcs", IsFaulted=True)
    plant.run(100)
    assert (plant.state, plant.value("status/bms/DCClosed")) == ("Fault", True)
    plant.stuck.clear()
    plant.tell("OffCmd")
    plant.run(30)
    assert (plant.state, plant.value("status/bms/DCClosed")) == ("Fault", False)


def test_a_fault_that_others_have_raised_must_be_gone_before_clearing_helps():
    plant = Plant()
    plant.report("pcs", FaultShutdown=True)
    plant.engine.tick()
    assert plant.state == "Fault"
    plant.run(10)
    plant.tell("ClearFaultsCmd")
    plant.until("Off")
    assert plant.value("status/pcs/FaultShutdown") is False


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_buttons_work_in_maintenance_mode_only_and_the_state_of_the_ess_follows():
    plant = Plant()
    plant.engine.set("/assets/ess/summary", {"maint_mode": False})
    plant.engine.set("/assets/bms/summary", {"close_contactors": False, "open_contactors": False})
    plant.engine.set("/assets/pcs/summary", {"start": False, "stop": False})
    plant.run(0)
    press("bms", "close_contactors")(plant)
    assert plant.value("status/bms/LastResult") == (
        "close refused: expected: maintenance mode is on; found: maint_mode of ess is false"
    )
    assert plant.value("assets/bms/summary/close_contactors") is False

    def enabled(asset, button):
        return plant.parameter(f"assets/{asset}/summary/{button}", "enabled")

    assert not enabled("bms", "close_contactors")
    plant.engine.set("/assets/ess/summary", {"maint_mode": True})
    plant.run(0)
    assert enabled("bms", "close_contactors")
    assert not enabled("pcs", "start")
    press("bms", "close_contactors")(plant)
    plant.until("Ready")
    assert enabled("pcs", "start")
    assert not enabled("bms", "close_contactors")
    press("pcs", "start")(plant)
    plant.until("Running")
    assert not enabled("bms", "open_contactors")
    press("bms", "open_contactors")(plant)
    assert "the PCS is stopped" in plant.value("status/bms/LastResult")
    press("pcs", "stop")(plant)
    plant.until("Ready")
    press("bms", "open_contactors")(plant)
    plant.until("Off")
    assert plant.value("assets/ess/summary/faults") in (0, None)


def test_maintenance_mode_that_is_not_valid_takes_the_power_and_starts_nothing():
    plant = Plant().running()
    plant.tell("ActivePowerSetpoint", 100)
    assert plant.value("controls/pcs/ActivePowerSetpoint") == 100
    plant.engine.set("/assets/ess/summary", {"maint_mode": False})
    plant.engine.set("/assets/ess/summary", {"maint_mode": None})
    plant.run(5)
    assert (plant.state, plant.value("controls/pcs/ActivePowerSetpoint")) == ("Running", 0)
    plant.tell("OffCmd")
    plant.until("Off")
    plant.tell("OnCmd")
    plant.run(5)
    assert plant.state == "Off"
    assert "maint_mode of ess is not valid" in plant.value("status/ess/LastResult")


def test_set_points_count_one_by_one_and_only_once_they_are_written_anew():
    plant = Plant().running()
    plant.engine.set("/controls/ess", {"ActivePowerSetpoint": 100, "ReactivePowerSetpoint": 50})
    plant.engine.tick()
    plant.engine.set("/assets/ess/summary", {"maint_mode": True})
    plant.engine.tick()
    plant.engine.set("/assets/ess/summary", {"maint_mode": False})
    plant.engine.tick()
    asked = [f"controls/pcs/{name}" for name in ("ActivePowerSetpoint", "ReactivePowerSetpoint")]
    assert [plant.value(place) for place in asked] == [0, 0]
    assert "ActivePowerSetpoint 100, ReactivePowerSetpoint 50 does not count" in plant.value("status/ess/Step")
    plant.engine.set("/controls/ess", {"ActivePowerSetpoint": {"value": "$$", "unit": "kW"}})
    plant.engine.set("/controls/ess/ReactivePowerSetpoint", 50)
    plant.engine.tick()
    assert [plant.value(place) for place in asked] == [0, 50]
    plant.engine.set("/controls/ess/ActivePowerSetpoint", None)
    plant.engine.tick()
    assert [plant.value(place) for place in asked] == [0, 50]
    plant.engine.set("/controls/ess/ActivePowerSetpoint", 100)
    plant.engine.tick()
    assert [plant.value(place) for place in asked] == [100, 50]


def test_the_shutdown_that_a_fault_has_asked_for_is_taken_back_by_clearing_only():
    plant = Plant().running()
    plant.report("pcs", FaultShutdown=True)
    plant.until("Fault")
    for path, body in (("/status/pcs/FaultShutdown", False), ("/status/pcs", {"FaultShutdown": False})):
        with pytest.raises(ValueError, match="ends when faults are cleared; expected ClearFaultsCmd"):
            plant.engine.set(path, body)
    assert plant.value("status/pcs/FaultShutdown") is True
    # Others may ask for one.
    plant.engine.set("/status/bms/FaultShutdown", True)
    assert plant.value("status/bms/FaultShutdown") is True
