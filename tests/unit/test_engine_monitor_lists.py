"""Monitors in wake_monitor lists: the same, however often they are looked at, and an hour is over in no time."""

from __future__ import annotations

import pytest

from tests.unit.monitor_desk import MonitorDesk
from tests.unit.test_engine_monitor_limits import ALARM, MAX


def listed(rate, **parameters):
    desk = MonitorDesk(
        status__bms={"X": {"value": 0, **parameters}},
        schedule__wake_monitor__bms={"/status/bms:X": {"enable": True, "rate": rate, "func": "CheckMonitorVar"}},
    )
    desk.pass_time(1)
    return desk


@pytest.mark.parametrize("rate", [0.1, 1, 30])
def test_a_list_notices_a_value_at_its_rate_and_the_time_out_is_to_the_point(rate):
    desk = listed(rate, **MAX)
    desk.set(46)
    desk.pass_time(rate + 2.6)
    assert desk.texts() == [ALARM]
    desk.set(39)
    desk.pass_time(rate + 1.5)
    assert desk.texts() == []


def test_a_device_that_falls_silent_is_noticed_though_nothing_is_set_any_more():
    desk = listed(0.1, EnableStateCheck=True, AlarmTimeout=5, FaultTimeout=10)
    desk.pass_time(10.3)
    assert len(desk.texts("faults")) == 1
    desk.null()
    desk.pass_time(3600)
    assert len(desk.texts("faults")) == 1
