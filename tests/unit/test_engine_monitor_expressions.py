"""CheckMonitorVar_v2: conditions are expressions of the value and of other variables."""

from __future__ import annotations

import pytest

from tests.unit.monitor_desk import MonitorDesk


def watched(tables=None, **parameters):
    desk = MonitorDesk(**(tables or {}))
    desk.watch(function="CheckMonitorVar_v2", **parameters)
    return desk


def test_without_time_outs_alarm_fault_and_recovery_follow_at_once():
    desk = watched(alarmCondition="{1} > 45", faultCondition="{1} > 52", resetCondition="{1} < 40")
    desk.set(46)
    assert desk.texts() == ["[X] alarm condition [/status/bms:X:46] > 45 for 0 seconds"]
    assert (desk.parameter("seenAlarm"), desk.parameter("seenFault"), desk.status("AlarmCnt")) == (True, False, 1)
    desk.set(53)
    assert desk.texts("faults") == ["[X] fault condition [/status/bms:X:53] > 52 for 0 seconds"]
    assert desk.status("FaultShutdown") is True
    desk.set(41)
    assert (len(desk.texts()), len(desk.texts("faults"))) == (1, 1)
    desk.set(39)
    assert (desk.texts(), desk.texts("faults"), desk.parameter("seenReset")) == ([], [], True)


def test_with_time_outs_conditions_must_hold_for_long_enough():
    desk = watched(alarmCondition="{1} > 45", alarmTimeout=2.5, resetTimeout=1)
    desk.set(46)
    desk.pass_time(2.4)
    assert desk.texts() == []
    desk.pass_time(0.1)
    assert len(desk.texts()) == 1
    desk.set(45)
    desk.pass_time(0.9)
    assert len(desk.texts()) == 1
    desk.pass_time(0.1)
    assert (desk.texts(), desk.parameter("alarmTime")) == ([], 2.5)


def test_other_variables_parameters_and_bare_names_are_operands():
    desk = watched(
        {"status__bms": {"State": "Running", "Limit": {"value": 5, "hot": True}}},
        numVars=3,
        variable1="/status/bms:State",
        variable2="Limit",
        variable3="/status/bms:Limit@hot",
        alarmCondition="{1} > {3} and {2} == Running and {4}",
    )
    desk.set(6)
    text = "[/status/bms:X:6] > [Limit:5] and [/status/bms:State:Running] == Running and [/status/bms:Limit@hot:true]"
    assert desk.texts() == [f"[X] alarm condition {text} for 0 seconds"]
    desk.set("Off", "State")
    desk.set(6)
    assert desk.texts() == []


def test_the_own_value_may_be_left_out():
    desk = watched({"status__bms": {"Other": 5}}, variable1="Other", includeCurrVal=False, alarmCondition="{1} == 5")
    desk.set(0)
    assert desk.texts() == ["[X] alarm condition [Other:5] == 5 for 0 seconds"]


def test_an_operand_is_a_flag_too_wherever_its_name_is_given():
    for name in ("Other@flag", "/status/bms:Other@flag"):
        desk = watched({"status__bms": {"Other": {"value": 5, "flag": 7}}}, variable1=name, alarmCondition="{2} == 7")
        desk.set(0)
        assert desk.texts() == [f"[X] alarm condition [{name}:7] == 7 for 0 seconds"]
    desk = watched({"status__bms": {"Other": 5}}, variable1="Other@flag", alarmCondition="{2} == 5")
    desk.set(0)
    assert len(desk.texts()) == 1


def test_switches():
    desk = watched(alarmCondition="{1} > 1", faultCondition="{1} > 2", enableFault=False)
    desk.set(3)
    assert (len(desk.texts()), desk.texts("faults")) == (1, [])
    desk.change(enableMonitor=False)
    desk.set(3)
    assert desk.texts() == []
    desk = watched(alarmCondition="{1} > 1", enableAlert=False)
    desk.set(3)
    assert (desk.texts(), desk.parameter("seenAlarm")) == ([], True)


def test_comms():
    desk = watched(alarmCondition="{1} > 1", enableComms=True, resetTimeout=1)
    desk.set(1)
    assert desk.status("CommsOK") is True
    desk.set(2)
    assert desk.status("CommsOK") is False
    desk.set(1)
    assert desk.status("CommsOK") is False
    desk.pass_time(1)
    assert desk.status("CommsOK") is True
    desk.null()
    desk.pass_time(1)
    assert desk.status("CommsOK") is False


def test_an_operand_that_is_not_valid_neither_raises_nor_recovers():
    desk = watched({"status__bms": {"Limit": 5}}, variable1="Limit", alarmCondition="{1} > {2}", alarmTimeout=2)
    desk.set(6)
    desk.pass_time(2)
    assert len(desk.texts()) == 1
    desk.null("Limit")
    desk.set(0)
    desk.pass_time(100)
    assert [text.partition(" for ")[0] for text in desk.texts()] == [
        "[X] alarm condition [/status/bms:X:6] > [Limit:5]",
        "[X] value is not valid",
    ]
    desk.set(7, "Limit")
    desk.set(0)
    desk.pass_time(2.5)
    assert desk.texts() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"alarmCondition": "{1} >"}, "column"),
        ({"alarmCondition": "{2} > 1"}, "{2}"),
        ({"alarmCondition": 5}, "alarmCondition: expected an expression"),
        ({}, "alarmCondition is missing"),
        ({"alarmCondition": "{1} > 1", "numVars": 2, "variable1": "Y"}, "variable2 is missing"),
        ({"alarmCondition": "{1} > 1", "alarmTimeout": "2"}, "alarmTimeout: expected a number"),
    ],
)
def test_what_is_wrong_is_named_and_seen(wrong, words, caplog):
    desk = watched(**wrong)
    desk.set(1)
    desk.pass_time(1)
    assert words in caplog.text
    assert len(desk.texts()) == 1
    assert "cannot be checked" in desk.texts()[0]


def test_a_condition_that_is_a_number_has_no_answer(caplog):
    desk = watched(alarmCondition="{1} + 1")
    desk.set(1)
    desk.pass_time(1)
    assert desk.texts() == ["[X] value is not valid for 0.5 seconds"]
    assert "expected true or false" in caplog.text
