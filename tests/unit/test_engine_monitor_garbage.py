"""Monitors with whatever parameters and values: nothing is raised, and the engine comes to rest."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.monitor_desk import MonitorDesk

SENSIBLE = {
    **dict.fromkeys(("EnableMaxValCheck", "EnableMinValCheck", "EnableStateCheck", "EnableConditionCheck"), True),
    "EnableCommsCheck": True,
    "EnableFaultCheck": True,
    "FaultShutdownReset": True,
    "enableComms": True,
    "MaxAlarmThreshold": 10,
    "MinAlarmThreshold": 3,
    "MaxFaultThreshold": 20,
    "MaxResetValue": 9,
    "AlarmTimeout": 1,
    "FaultTimeout": 2,
    "RecoverTimeout": 1,
    "MaxAlarmTimeout": 0,
    "debug": 0,
    "numExpectedVals": 1,
    "expectedVal1": 5,
    "numConditionVars": 1,
    "conditionVar1": "Y",
    "conditionVal1_1": 1,
    "Type": "int",
    "conditionType1": "int",
    "numConditions1": 1,
    "alarmCondition": "{1} > {2}",
    "faultCondition": "{1} > 9",
    "variable1": "Y",
    "numVars": 1,
    "alarmTimeout": 1,
    "NoAlarmMsg": "Normal",
    "type": "alarm",
    "EnableAlert": True,
    "lock": False,
}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "Y", "/a/b:c", "/a/b:c@d", "@", "/", "X@y", "{1}", "{1} +", "Clear", "true", "int", "bool"]),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-5, 25), st.floats(-5, 25), st.text(max_size=5))
FUNCTIONS = st.sampled_from(["CheckMonitorVar", "CheckMonitorVar_v2", "process_sys_alarm", "CheckAmHeartbeat"])


@settings(deadline=None)
@given(FUNCTIONS, st.dictionaries(st.sampled_from(sorted(SENSIBLE)), ODD, max_size=4), st.lists(VALUES, max_size=6))
def test_nothing_that_anybody_writes_stops_the_engine(function, odd, values):
    desk = MonitorDesk(status__bms={"Y": 1, "HeartbeatRead": 1}, config__ess={"essCommsAlarmTimeout": 1})
    desk.watch(function=function, **{**SENSIBLE, **odd})
    for value in values:
        desk.pass_time(1)
        desk.engine.report("/status/bms", {"X": value})
        desk.engine.tick()
    desk.change(**dict.fromkeys(odd, 1))
    desk.pass_time(30)
    for kind, count in (("alarms", "AlarmCnt"), ("faults", "FaultCnt")):
        assert (desk.status(count) or 0) == len(desk.texts(kind))
