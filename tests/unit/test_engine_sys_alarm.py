"""process_sys_alarm: what devices say is wrong, and the lists that people clear."""

from __future__ import annotations

import pytest

from ess_bus.engine.views import get
from tests.unit.monitor_desk import MonitorDesk

RUN = {"actions": {"onSet": [{"func": [{"func": "process_sys_alarm", "amap": "bms"}]}]}}
NAMES = {
    "faults__bms": {
        "clear_faults": {"value": 0, "type": "fault", **RUN},
        "over_voltage": {"value": "Normal", "type": "fault", **RUN},
        "fire": {"value": "Normal", **RUN},
    },
    "alarms__bms": {"clear_alarms": {"value": 0, **RUN}, "soc_low": {"value": "Normal", "type": "alarm", **RUN}},
}


def desk_with(**tables):
    return MonitorDesk(**NAMES, **tables)


def say(desk, name, text):
    desk.engine.set(f"/{name}", text)


def clear(desk, kind="faults"):
    """Press the button that real sites have: a variable whose action clears a list."""
    remap = {"inValue": True, "outValue": "Clear", "uri": f"/{kind}/bms:clear_{kind}"}
    desk.engine.set("/controls/bms", {"clear": {"value": True, "actions": {"onSet": [{"remap": [remap]}]}}})


def test_what_is_not_normal_is_raised_and_what_is_normal_again_is_cleared():
    desk = desk_with()
    assert (desk.texts("faults"), desk.texts()) == ([], [])
    say(desk, "faults/bms/over_voltage", "Warn")
    say(desk, "alarms/bms/soc_low", "Warn 1")
    assert desk.texts("faults") == ["[over_voltage] Warn"]
    assert desk.texts() == ["[soc_low] Warn 1"]
    assert (desk.status("FaultCnt"), desk.status("AlarmCnt"), desk.status("FaultShutdown")) == (1, 1, True)
    say(desk, "faults/bms/over_voltage", "Warn")
    assert desk.status("FaultCnt") == 1
    say(desk, "faults/bms/over_voltage", "Normal")
    assert (desk.texts("faults"), desk.status("FaultCnt"), desk.status("FaultShutdown")) == ([], 0, True)


def test_another_text_takes_the_place_of_the_one_before():
    desk = desk_with()
    for text in ("Warn 1", "Warn 2"):
        say(desk, "alarms/bms/soc_low", text)
    assert (desk.texts(), desk.status("AlarmCnt")) == (["[soc_low] Warn 2"], 1)


def test_the_table_says_what_it_is_where_no_type_does():
    desk = desk_with()
    say(desk, "faults/bms/fire", "Level 2")
    assert desk.texts("faults") == ["[fire] Level 2"]


def test_a_variable_that_is_neither_is_named(caplog):
    desk = MonitorDesk(status__bms={"x": {"value": "Warn", **RUN}})
    assert "expected alarm or fault" in caplog.text
    assert desk.texts() == []


def test_what_normal_is_called_is_configured():
    desk = desk_with(config__bms={"NoFaultMsg": {"value": "(NOFLTS) No faults"}})
    say(desk, "faults/bms/over_voltage", "(WD) Watchdog")
    assert desk.texts("faults") == ["[over_voltage] (WD) Watchdog"]
    say(desk, "faults/bms/over_voltage", "(NOFLTS) No faults")
    assert desk.texts("faults") == []


def test_what_is_not_valid_changes_nothing():
    desk = desk_with()
    say(desk, "faults/bms/fire", "Level 2")
    desk.engine.report("/faults/bms/fire", None)
    assert desk.texts("faults") == ["[fire] Level 2"]


@pytest.mark.parametrize(
    ("value", "normal", "text"),
    [
        (True, False, "[flag] true"),
        (3, 0, "[flag] 3"),
        ([{"value": 0, "string": "hot"}, {"value": 2, "string": "wet"}], [], "[flag] hot, wet"),
    ],
)
def test_flags_numbers_and_bit_fields_are_taken_too(value, normal, text):
    desk = MonitorDesk(alarms__bms={"flag": {"value": normal, **RUN}})
    say(desk, "alarms/bms/flag", value)
    assert desk.texts() == [text]
    say(desk, "alarms/bms/flag", normal)
    assert desk.texts() == []


def test_clear_empties_a_list_and_takes_the_shutdown_back():
    desk = desk_with()
    say(desk, "faults/bms/fire", "Level 2")
    say(desk, "faults/bms/over_voltage", "Warn")
    say(desk, "alarms/bms/soc_low", "Warn")
    clear(desk)
    assert (desk.texts("faults"), desk.status("FaultCnt"), desk.status("FaultShutdown")) == ([], 0, False)
    assert (desk.texts(), desk.status("AlarmCnt")) == (["[soc_low] Warn"], 1)
    assert get(desk.engine.datamap, "/faults/bms/fire") == "Normal"
    clear(desk, "alarms")
    assert desk.texts() == []


def test_what_the_device_still_says_is_raised_again():
    desk = desk_with()
    for _ in range(2):
        say(desk, "faults/bms/fire", "Level 2")
        assert (desk.texts("faults"), desk.status("FaultShutdown")) == (["[fire] Level 2"], True)
        clear(desk)
        assert desk.texts("faults") == []


def test_only_a_variable_that_is_for_it_clears_a_list():
    desk = desk_with()
    say(desk, "faults/bms/fire", "Level 2")
    say(desk, "faults/bms/over_voltage", "Clear")
    assert desk.texts("faults") == ["[fire] Level 2"]
    desk.engine.set("/faults/bms", {"all": {"value": "", "numVars": 0, **RUN}})
    say(desk, "faults/bms/all", "Clear")
    assert desk.texts("faults") == []


def test_any_other_value_clears_nothing():
    desk = desk_with()
    say(desk, "faults/bms/fire", "Level 2")
    say(desk, "faults/bms/clear_faults", 1)
    assert desk.texts("faults") == ["[fire] Level 2"]


def test_monitors_of_the_list_begin_again():
    limits = {"EnableMaxValCheck": True, "MaxAlarmThreshold": 45, "MaxAlarmTimeout": 2, "EnableAlert": False}
    desk = desk_with(status__bms={"y": 0})
    desk.watch(**limits)
    desk.engine.set(
        "/alarms/bms", {"clear_all": {"value": "", "numVars": 2, "variable1": "X", "variable2": "nothing", **RUN}}
    )
    desk.set(46)
    desk.pass_time(2)
    assert desk.parameter("seenMaxAlarm") is True
    say(desk, "alarms/bms/clear_all", "Clear")
    assert (desk.parameter("seenMaxAlarm"), desk.parameter("MaxAlarmTime")) == (False, 2)
    desk.pass_time(2)
    assert desk.parameter("seenMaxAlarm") is True


def test_assets_are_cleared_apart_though_they_share_a_list():
    rack = {"actions": {"onSet": [{"func": [{"func": "process_sys_alarm", "amap": "rack_1"}]}]}}
    desk = desk_with(
        config__rack_1={"FaultDestination": "/assets/bms/summary:faults"},
        faults__rack_1={"fire": {"value": "Normal", **rack}, "clear_faults": {"value": "", **rack}},
    )
    say(desk, "faults/rack_1/fire", "Level 1")
    say(desk, "faults/bms/fire", "Level 2")
    say(desk, "faults/rack_1/clear_faults", "Clear")
    assert desk.texts("faults") == ["[fire] Level 2"]
    assert (desk.status("FaultShutdown"), desk.status("FaultShutdown", "rack_1")) == (True, False)
