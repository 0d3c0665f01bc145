"""CheckMonitorVar: values that must keep changing, and values that conditions expect; CommsOK."""

from __future__ import annotations

import pytest

from tests.unit.monitor_desk import MonitorDesk

BEAT = {
    "EnableStateCheck": True,
    "EnableCommsCheck": True,
    "Type": "int",
    "AlarmTimeout": 5,
    "FaultTimeout": 10,
    "RecoverTimeout": 1,
}
POWER_ON = {
    "value": "Off Ready",
    "EnableConditionCheck": True,
    "Type": "string",
    "AlarmTimeout": 5,
    "FaultTimeout": 7,
    "RecoverTimeout": 4,
    "numExpectedVals": 1,
    "expectedVal1": "On Ready",
    "numConditionVars": 1,
    "conditionVar1": "SystemState",
    "conditionType1": "string",
    "numConditions1": 2,
    "conditionVal1_1": "Ready",
    "conditionVal2_1": "Running",
}


def beating(**parameters):
    desk = MonitorDesk()
    desk.watch(**{**BEAT, **parameters})
    return desk


def beat(desk, seconds, start=1):
    for number in range(seconds):
        desk.set(start + number)
        desk.pass_time(1)


def test_a_heartbeat_that_stands_still_is_an_alarm_and_then_a_fault():
    desk = beating()
    beat(desk, 30)
    assert (desk.texts(), desk.status("CommsOK"), desk.parameter("lastVal")) == ([], True, 30)
    desk.pass_time(3.9)
    assert (desk.texts(), desk.status("CommsOK")) == ([], True)
    desk.pass_time(0.1)
    assert (desk.texts(), desk.status("CommsOK")) == (["[X] value [30] has not changed for 5 seconds"], False)
    assert (desk.parameter("seenAlarm"), desk.parameter("seenFault")) == (True, False)
    desk.pass_time(5)
    assert desk.texts("faults") == ["[X] value [30] has not changed for 10 seconds"]
    assert (desk.status("FaultShutdown"), desk.parameter("seenFault")) == (True, True)


def test_it_recovers_once_it_changes_again():
    desk = beating()
    beat(desk, 3)
    desk.pass_time(20)
    desk.set(77)
    assert (len(desk.texts("faults")), desk.status("CommsOK")) == (1, False)
    desk.pass_time(1)
    assert (desk.texts(), desk.texts("faults"), desk.status("CommsOK")) == ([], [], True)
    desk.pass_time(10)
    assert len(desk.texts("faults")) == 1


def test_the_same_value_again_is_no_change():
    desk = beating(EnableCommsCheck=False)
    for _ in range(6):
        desk.set(7)
        desk.pass_time(1)
    assert desk.texts() == ["[X] value [7] has not changed for 5 seconds"]
    assert desk.status("CommsOK") is None


def test_a_heartbeat_that_is_not_valid_does_not_change_and_neither_does_the_old_one_that_comes_back():
    desk = beating()
    beat(desk, 3)
    for _ in range(3):
        desk.null()
        desk.pass_time(1)
        desk.set(3)
        desk.pass_time(1)
    assert desk.texts() == ["[X] value [3] has not changed for 5 seconds"]


def test_a_device_that_has_never_beaten_is_not_ok():
    desk = beating()
    desk.pass_time(4)
    assert desk.status("CommsOK") is None
    desk.pass_time(1)
    assert desk.status("CommsOK") is False


def test_texts_must_change_too():
    desk = beating(value="No Time", Type="string")
    desk.set("06-25-2024 20:18:46")
    assert desk.status("CommsOK") is True
    desk.pass_time(5)
    assert desk.texts() == ["[X] value [06-25-2024 20:18:46] has not changed for 5 seconds"]


def test_without_a_fault_time_out_or_with_fault_checks_off_there_is_no_fault():
    for parameters in ({"FaultTimeout": None}, {"EnableFaultCheck": False}):
        desk = MonitorDesk()
        desk.watch(**{key: value for key, value in {**BEAT, **parameters}.items() if value is not None})
        desk.pass_time(100)
        assert (len(desk.texts()), desk.texts("faults")) == (1, [])


def test_a_real_site_lets_the_monitor_only_signal_and_says_it_in_its_own_words():
    alarm = {"inValue": "X_state", "uri": "/faults/bms:heartbeat", "outValue": "BMS Communication Failure"}
    desk = MonitorDesk(
        faults__bms={
            "MonitorVarFault": {"value": "Normal", "actions": {"onSet": [{"remap": [alarm]}]}},
            "heartbeat": {
                "value": "Normal",
                "type": "fault",
                "actions": {"onSet": [{"func": [{"func": "process_sys_alarm"}]}]},
            },
        }
    )
    desk.watch(**BEAT, EnableAlert=False)
    desk.pass_time(10)
    assert desk.texts("faults") == ["[heartbeat] BMS Communication Failure"]
    assert desk.status("FaultCnt") == 1


def expecting(**parameters):
    desk = MonitorDesk(status__bms={"SystemState": "Off"})
    desk.watch(**{**POWER_ON, **parameters})
    return desk


def test_a_value_is_expected_only_while_the_condition_holds():
    desk = expecting()
    desk.pass_time(100)
    assert desk.texts() == []
    desk.set("Running", "SystemState")
    desk.set("Off Ready")
    desk.pass_time(4.9)
    assert desk.texts() == []
    desk.pass_time(0.1)
    assert desk.texts() == ["[X] value [Off Ready] is not [On Ready] while SystemState [Running] for 5 seconds"]
    desk.pass_time(2)
    assert len(desk.texts("faults")) == 1
    assert (desk.parameter("seenAlarm"), desk.parameter("seenFault")) == (True, True)
    desk.set("On Ready")
    desk.pass_time(4)
    assert (desk.texts(), desk.texts("faults"), desk.parameter("seenReset")) == ([], [], True)


def test_it_also_recovers_when_the_condition_ends():
    desk = expecting()
    desk.set("Ready", "SystemState")
    desk.set("Off Ready")
    desk.pass_time(6)
    desk.set("Off", "SystemState")
    desk.set("Off Ready")
    desk.pass_time(4)
    assert desk.texts() == []


def test_all_conditions_must_hold_and_texts_of_files_are_what_their_type_says():
    second = {
        "numConditionVars": 2,
        "conditionVar2": "/status/bms:DCClosed",
        "conditionType2": "bool",
        "conditionVal1_2": "true",
    }
    desk = expecting(**second)
    desk.engine.set("/status/bms", {"DCClosed": False, "SystemState": "Ready"})
    desk.set("Off Ready")
    desk.pass_time(10)
    assert desk.texts() == []
    desk.set(True, "DCClosed")
    desk.set("Off Ready")
    desk.pass_time(5)
    expected = "[X] value [Off Ready] is not [On Ready] while SystemState [Ready] and /status/bms:DCClosed [true] for 5"
    assert desk.texts() == [f"{expected} seconds"]


def test_numbers_are_expected_as_actions_compare_them():
    desk = MonitorDesk(status__bms={"Mode": 3})
    numbers = {"Type": "int", "expectedVal1": "7", "expectedVal2": 9, "conditionVar1": "Mode", "conditionVal1_1": 3}
    desk.watch(EnableConditionCheck=True, value=7, **numbers)
    desk.set(7.0004)
    desk.set(9)
    assert desk.texts() == []
    desk.set(8)
    assert desk.texts() == ["[X] value [8] is not [7], [9] while Mode [3] for 0 seconds"]


@pytest.mark.parametrize("null", ["X", "SystemState"])
def test_what_is_not_valid_is_not_judged_and_becomes_an_alarm_of_its_own(null):
    desk = expecting()
    desk.set("Ready", "SystemState")
    desk.set("Off Ready")
    desk.pass_time(4)
    desk.null(null)
    if null != "X":
        desk.set("Off Ready")
    desk.pass_time(4.9)
    assert desk.texts() == []
    desk.pass_time(0.2)
    assert desk.texts() == ["[X] value is not valid for 5 seconds"]


def test_a_condition_that_certainly_does_not_hold_needs_no_other():
    desk = expecting(numConditionVars=2, conditionVar2="/status/bms:Other", conditionVal1_2=1)
    desk.set("Off Ready")
    desk.pass_time(100)
    assert desk.texts() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"numExpectedVals": 2}, "expectedVal2 is missing"),
        ({"numExpectedVals": "many"}, "numExpectedVals: expected a count"),
        ({"numExpectedVals": 0}, "expectedVal1 is missing"),
        ({"numConditions1": 3}, "conditionVal3_1 is missing"),
        ({"numConditions1": 1e9}, "numConditions1: expected a count"),
        ({"conditionVar1": 5}, "expected the name of a variable"),
        ({"conditionType1": "bool"}, "'Ready' is not a value of the type 'bool'"),
        ({"Type": "int"}, "'On Ready' is not a value of the type 'int'"),
    ],
)
def test_what_is_wrong_is_named_and_seen(wrong, words, caplog):
    desk = expecting(**wrong)
    desk.pass_time(10)
    assert words in caplog.text
    assert len(desk.texts()) == 1
    assert words in desk.texts()[0]
