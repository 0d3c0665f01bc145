"""CheckMonitorVar: maximum and minimum, alarm, fault, recovery, and what is not valid."""

from __future__ import annotations

import pytest

from ess_bus.engine.engine import Engine
from ess_bus.engine.views import get
from tests.unit.monitor_desk import MonitorDesk

MAX = {
    "EnableMaxValCheck": True,
    "EnableFaultCheck": True,
    "MaxAlarmThreshold": 45,
    "MaxFaultThreshold": 52,
    "MaxResetValue": 40,
    "MaxAlarmTimeout": 2.5,
    "MaxFaultTimeout": 1,
    "MaxRecoverTimeout": 1.4,
}
MIN = {
    "EnableMinValCheck": True,
    "EnableFaultCheck": True,
    "MinAlarmThreshold": 10,
    "MinFaultThreshold": 5,
    "MinResetValue": 12,
    "MinAlarmTimeout": 2.5,
    "MinFaultTimeout": 1,
    "MinRecoverTimeout": 1.4,
}
ALARM = "[X] value [46] > max alarm threshold [45] for 2.5 seconds"
FAULT = "[X] value [53] > max fault threshold [52] for 1 seconds"


def watched(**parameters):
    desk = MonitorDesk()
    desk.watch(**parameters)
    return desk


def test_an_alarm_is_raised_once_the_value_has_been_above_for_the_time_out():
    desk = watched(**MAX)
    desk.set(46)
    desk.pass_time(2.4)
    assert desk.texts() == []
    assert desk.parameter("seenMaxAlarm") is False
    desk.pass_time(0.1)
    assert desk.texts() == [ALARM]
    assert (desk.parameter("seenMaxAlarm"), desk.parameter("MaxAlarmTime"), desk.status("AlarmCnt")) == (True, 0, 1)
    assert (desk.texts("faults"), desk.status("FaultShutdown")) == ([], None)
    desk.set(47)
    desk.pass_time(100)
    assert desk.texts() == [ALARM]
    assert desk.events() == [ALARM]


def test_the_message_tells_the_time():
    desk = watched(**MAX)
    desk.pass_time(1)
    desk.set(46)
    desk.pass_time(10)
    options = get(desk.engine.datamap, "/assets/bms/summary/alarms@options")
    assert options == [{"name": f"{ALARM} at 11-14-2023 22:13:23.500000", "return_value": 3}]


def test_a_fault_shuts_down_and_both_are_cleared_together_once_the_value_has_been_well():
    desk = watched(**MAX)
    desk.set(53)
    desk.pass_time(1)
    assert (desk.texts(), desk.texts("faults")) == ([], [FAULT])
    assert (desk.status("FaultShutdown"), desk.status("FaultCnt")) == (True, 1)
    desk.pass_time(2)
    assert len(desk.texts()) == 1
    desk.set(39)
    desk.pass_time(1.3)
    assert (len(desk.texts()), len(desk.texts("faults"))) == (1, 1)
    desk.pass_time(0.2)
    assert (desk.texts(), desk.texts("faults")) == ([], [])
    assert (desk.parameter("seenMaxAlarm"), desk.parameter("seenMaxFault")) == (False, False)
    assert desk.parameter("seenMaxReset") is True
    assert (desk.status("AlarmCnt"), desk.status("FaultCnt"), desk.status("FaultShutdown")) == (0, 0, True)
    assert desk.is_idle


def test_with_fault_shutdown_reset_the_shutdown_ends_with_the_fault():
    desk = watched(**MAX, FaultShutdownReset=True)
    desk.set(53)
    desk.pass_time(3)
    desk.set(39)
    desk.pass_time(3)
    assert desk.status("FaultShutdown") is False


@pytest.mark.parametrize("value", [40, 42, 45])
def test_between_reset_value_and_threshold_nothing_is_raised_and_nothing_recovers(value):
    desk = watched(**MAX)
    desk.set(value)
    desk.pass_time(100)
    assert desk.texts() == []
    desk.set(46)
    desk.pass_time(3)
    desk.set(value)
    desk.pass_time(100)
    assert desk.texts() == [ALARM]


def test_timers_run_back_up_while_the_value_is_not_above():
    desk = watched(**MAX)
    desk.set(46)
    desk.pass_time(2)
    desk.set(44)
    assert desk.parameter("MaxAlarmTime") == 0.5
    desk.pass_time(1)
    desk.set(46)
    assert desk.parameter("MaxAlarmTime") == 1.5
    desk.pass_time(1.4)
    assert desk.texts() == []
    desk.pass_time(0.2)
    assert len(desk.texts()) == 1


def test_what_has_been_above_long_enough_is_raised_though_nobody_looked_in_between():
    desk = watched(**MAX)
    desk.set(46)
    desk.engine.advance(1_700_000_060, 60)
    desk.engine.set("/status/bms/X", 20)
    assert desk.texts() == [ALARM]


def test_the_minimum_is_the_same_the_other_way_round():
    desk = watched(**MIN, value=20)
    desk.set(10)
    desk.pass_time(10)
    assert desk.texts() == []
    desk.set(9)
    desk.pass_time(2.5)
    assert desk.texts() == ["[X] value [9] < min alarm threshold [10] for 2.5 seconds"]
    desk.set(4)
    desk.pass_time(1)
    assert desk.texts("faults") == ["[X] value [4] < min fault threshold [5] for 1 seconds"]
    assert (desk.parameter("seenMinAlarm"), desk.parameter("seenMinFault")) == (True, True)
    desk.set(13)
    desk.pass_time(1.4)
    assert (desk.texts(), desk.texts("faults")) == ([], [])


def test_both_sides_are_watched_apart():
    desk = watched(**{**MAX, **MIN}, value=20)
    desk.set(46)
    desk.pass_time(3)
    desk.set(9)
    desk.pass_time(3)
    assert [text[:22] for text in desk.texts()] == ["[X] value [9] < min al"]
    assert desk.parameter("seenMaxReset") is True


def test_at_the_first_look_only_the_time_is_taken():
    desk = MonitorDesk()
    desk.engine.set(
        "/status/bms",
        {
            "X": {
                "value": 50,
                "EnableMaxValCheck": True,
                "MaxAlarmThreshold": 45,
                "actions": {"onSet": [{"func": [{"func": "CheckMonitorVar"}]}]},
            }
        },
    )
    assert desk.texts() == []
    desk.pass_time(0)
    assert desk.texts() == ["[X] value [50] > max alarm threshold [45] for 0 seconds"]


def test_without_time_outs_everything_follows_at_once():
    desk = watched(EnableMaxValCheck=True, MaxAlarmThreshold=45)
    desk.set(46)
    assert len(desk.texts()) == 1
    desk.set(44)
    assert desk.texts() == []
    assert desk.events() == [
        "[X] value [46] > max alarm threshold [45] for 0 seconds",
        "cleared: [X] value [46] > max alarm threshold [45] for 0 seconds",
    ]


def test_a_general_time_out_counts_where_there_is_none_of_the_side():
    desk = watched(EnableMaxValCheck=True, MaxAlarmThreshold=45, AlarmTimeout=0.4)
    desk.set(46)
    desk.pass_time(0.3)
    assert desk.texts() == []
    desk.pass_time(0.1)
    assert len(desk.texts()) == 1


def test_a_reset_value_beyond_the_threshold_does_not_raise_and_clear_for_ever():
    desk = watched(EnableMinValCheck=True, MinAlarmThreshold=1200, MinResetValue=1140, value=2000)
    desk.set(1150)
    desk.pass_time(100)
    assert (len(desk.texts()), len(desk.events())) == (1, 1)
    desk.set(1201)
    assert desk.texts() == []


def test_without_alerts_flags_and_the_shutdown_are_all_that_is_seen():
    desk = watched(**MAX, EnableAlert=False)
    desk.set(53)
    desk.pass_time(10)
    assert (desk.texts(), desk.texts("faults"), desk.events()) == ([], [], [])
    assert (desk.parameter("seenMaxAlarm"), desk.parameter("seenMaxFault")) == (True, True)
    assert desk.status("FaultShutdown") is True


def test_faults_take_enable_fault_check(caplog):
    desk = watched(**{**MAX, "EnableFaultCheck": False})
    desk.set(53)
    desk.pass_time(10)
    assert (desk.texts("faults"), caplog.text) == ([], "")
    desk = watched(EnableMaxValCheck=True, MaxAlarmThreshold=45, MaxFaultThreshold=52)
    desk.set(53)
    desk.set(54)
    assert (desk.texts("faults"), desk.status("FaultShutdown")) == ([], None)
    assert caplog.text.count("MaxFaultThreshold is not checked without EnableFaultCheck") == 1


def test_a_check_that_is_switched_off_clears_what_it_has_raised():
    desk = watched(**MAX)
    desk.set(53)
    desk.pass_time(5)
    desk.change(EnableMaxValCheck=False)
    desk.set(53)
    assert (desk.texts(), desk.texts("faults"), desk.is_idle) == ([], [], True)


def test_thresholds_may_change_while_the_engine_runs():
    desk = watched(**MAX)
    desk.set(43)
    desk.change(MaxAlarmThreshold=41)
    desk.set(43)
    desk.pass_time(2.5)
    assert desk.texts() == ["[X] value [43] > max alarm threshold [41] for 2.5 seconds"]


# -- what is not valid ---------------------------------------------------------------------------------------------


def test_a_value_that_is_not_valid_has_not_recovered():
    desk = watched(**MAX)
    desk.set(53)
    desk.pass_time(5)
    desk.null()
    desk.pass_time(100)
    assert desk.texts("faults") == [FAULT, "[X] value is not valid for 5 seconds"]
    assert desk.parameter("seenMaxFault") is True


def test_while_a_value_is_not_valid_its_timers_stand_still():
    desk = watched(**MAX)
    desk.set(46)
    desk.pass_time(2)
    desk.null()
    desk.pass_time(0.4)
    assert (desk.parameter("MaxAlarmTime"), desk.texts()) == (0.5, [])
    desk.set(46)
    desk.pass_time(0.5)
    assert desk.texts() == [ALARM]


def test_a_gap_in_a_recovery_lets_it_begin_again():
    desk = watched(**MAX)
    desk.set(46)
    desk.pass_time(3)
    desk.set(39)
    desk.pass_time(1)
    desk.null()
    desk.pass_time(0.1)
    desk.set(39)
    desk.pass_time(1.3)
    assert desk.texts() == [ALARM]
    desk.pass_time(0.1)
    assert desk.texts() == []


def test_a_value_that_stays_not_valid_is_an_alarm_and_a_fault_of_its_own():
    desk = watched(**MAX)
    desk.null()
    desk.pass_time(2.4)
    assert desk.texts() == []
    desk.pass_time(0.1)
    assert desk.texts() == ["[X] value is not valid for 2.5 seconds"]
    # A fault takes as long as any device may be silent, though a voltage may be above its limit for 1 s only.
    desk.pass_time(2.4)
    assert desk.texts("faults") == []
    desk.pass_time(0.1)
    assert desk.texts("faults") == ["[X] value is not valid for 5 seconds"]
    assert desk.status("FaultShutdown") is True
    desk.set(39)
    desk.pass_time(2.4)
    assert len(desk.texts()) == 1
    desk.pass_time(0.1)
    assert (desk.texts(), desk.texts("faults")) == ([], [])


def test_how_long_a_device_may_be_silent_is_configured():
    desk = MonitorDesk(config__ess={"essCommsFaultTimeout": 10, "essCommsAlarmTimeout": {"value": 7}})
    desk.watch(**MAX)
    desk.null()
    desk.pass_time(6.9)
    assert desk.texts() == []
    desk.pass_time(3.0)
    assert (len(desk.texts()), desk.texts("faults")) == (1, [])
    desk.pass_time(0.1)
    assert desk.texts("faults") == ["[X] value is not valid for 10 seconds"]


def test_a_threshold_that_is_not_valid_is_no_answer_either():
    desk = watched(**MAX)
    desk.change(MaxAlarmThreshold=None)
    desk.set(99)
    desk.pass_time(10)
    assert desk.texts() == ["[X] value is not valid for 2.5 seconds"]


@pytest.mark.parametrize("wrong", [{"MaxAlarmThreshold": "45"}, {"MaxAlarmTimeout": "soon"}, {"value": "hot"}])
def test_a_check_that_cannot_be_made_is_an_alarm_and_one_line_in_the_log(wrong, caplog):
    desk = watched(**{**MAX, **MIN, "value": 20, **wrong})
    desk.pass_time(3)
    assert len(desk.texts()) == 1
    assert "cannot be checked (" in desk.texts()[0]
    assert "expected a number" in desk.texts()[0]
    assert len(caplog.records) == len({record.getMessage() for record in caplog.records}) <= 2


def test_one_check_that_cannot_be_made_does_not_stop_the_others_nor_clear_what_it_has_raised():
    desk = watched(**{**MAX, **MIN}, value=20)
    desk.set(53)
    desk.pass_time(3)
    desk.change(MaxAlarmThreshold="high")
    desk.set(9)
    desk.pass_time(3)
    assert [text.partition(" for ")[0] for text in desk.texts()] == [
        "[X] value [53] > max alarm threshold [45]",
        "[X] cannot be checked (MaxAlarmThreshold: expected a number, got 'high')",
        "[X] value [9] < min alarm threshold [10]",
    ]
    assert len(desk.texts("faults")) == 1


def test_a_monitor_that_checks_nothing_is_named(caplog):
    desk = watched(EnableMaxValCheck=True)
    desk.set(1)
    desk.set(2)
    assert [record.getMessage() for record in caplog.records] == [
        "/status/bms:X: there is no MaxAlarmThreshold, nothing is checked"
    ]


# -- what hangs on it ----------------------------------------------------------------------------------------------


def test_configurations_hang_actions_on_what_was_raised():
    seen = {"inValue": "X_limit_max", "uri": "/site/ess_ls:ess_faults[3]", "outValue": True}
    desk = MonitorDesk(
        faults__bms={"MonitorVarFault": {"value": "Normal", "actions": {"onSet": [{"remap": [seen]}]}}},
        alarms__bms={"MonitorVarAlarm": "Normal"},
    )
    desk.watch(**MAX)
    desk.set(53)
    desk.pass_time(3)
    assert get(desk.engine.datamap, "/site/ess_ls/ess_faults") == 8
    assert get(desk.engine.datamap, "/alarms/bms/MonitorVarAlarm") == "X_limit_max"


def test_a_linked_variable_is_one_monitor_under_the_name_of_the_device():
    device = {
        "volts": {"value": 3, **MAX, "actions": {"onSet": [{"func": [{"func": "CheckMonitorVar", "amap": "bms"}]}]}}
    }
    desk = MonitorDesk(components__bms_1=device, links__bms={"X": "/components/bms_1:volts"})
    desk.engine.set("/status/bms/X", 46)
    desk.pass_time(1)
    desk.engine.set("/components/bms_1/volts", 46)
    desk.pass_time(1.5)
    assert desk.texts() == [ALARM.replace("[X]", "[volts]")]


def test_a_person_clears_what_is_still_so_and_it_is_raised_again():
    desk = MonitorDesk(
        faults__bms={"clear_faults": {"value": "", "actions": {"onSet": [{"func": [{"func": "process_sys_alarm"}]}]}}}
    )
    desk.watch(**MAX)
    desk.set(53)
    desk.pass_time(1)
    desk.engine.set("/faults/bms/clear_faults", "Clear")
    assert (desk.texts("faults"), desk.status("FaultShutdown"), desk.parameter("seenMaxFault")) == ([], False, False)
    desk.pass_time(0.9)
    assert desk.texts("faults") == []
    desk.pass_time(0.1)
    assert (desk.texts("faults"), desk.status("FaultShutdown")) == ([FAULT], True)


@pytest.mark.parametrize(("asked", "alarms"), [(0, 0), (1, 1)])
def test_a_reload_lets_a_monitor_begin_anew(asked, alarms):
    desk = watched(**MAX)
    assert get(desk.engine.datamap, "/reload/bms/X_reload") == 2
    desk.set(46)
    desk.pass_time(3)
    desk.engine.set("/reload/bms/X_reload", asked)
    desk.set(46)
    assert len(desk.texts()) == alarms
    assert get(desk.engine.datamap, "/reload/bms/X_reload") == 2
    desk.pass_time(3)
    assert len(desk.texts()) == 1


def test_debug_counts_down(caplog):
    caplog.set_level("INFO")
    desk = watched(**MAX, debug=2)
    for _ in range(4):
        desk.set(20)
    assert (desk.parameter("debug"), len(caplog.records)) == (0, 2)


def test_an_hour_with_a_value_each_second_wakes_only_when_something_is_due():
    desk = watched(**MAX)
    for second in range(3600):
        desk.set(46 if second % 60 < 10 else 30)
        desk.pass_time(1)
    assert len(desk.events()) == 120
    assert desk.texts() == []


def test_what_a_configuration_says_at_the_start_is_told_once_it_runs():
    engine = Engine()
    engine.advance(1_700_000_000, 500)
    definition = {"value": 0, "EnableMinValCheck": True, "MinAlarmThreshold": 1200}
    actions = {"onSet": [{"func": [{"func": "CheckMonitorVar"}]}]}
    engine.load(engine.datamap.assignments("/status/pcs", {"vdc": {**definition, "actions": actions}}))
    assert engine.due_s() == 500
    engine.tick()
    assert [message.body["severity"] for message in engine.take_messages()] == [3]
