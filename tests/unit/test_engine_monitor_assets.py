"""CheckAmComms, CheckAmHeartbeat, CheckAmTimestamp, CheckAmPcsStatus, CheckAmBmsStatus."""

from __future__ import annotations

import pytest

from tests.unit.monitor_desk import MonitorDesk


def checked(function, asset="bms", config=None, **status):
    """Return a desk at an engine that makes a check of an asset whenever `run` says so, as wake_monitor does."""
    desk = MonitorDesk(config__ess={"x": 0, **(config or {})}, **{f"status__{asset}": {"x": 0, **status}})
    actions = {"onSet": [{"func": [{"func": function, "amap": asset}]}]}
    desk.engine.set("/test/check", {"y": {"value": 0, "actions": actions}})
    return desk


def run(desk, seconds, asset="bms", every_s=None, **values):
    """Make the check every 100 ms; with `every_s`, variables change."""
    for tenth in range(1, round(seconds * 10) + 1):
        desk.pass_time(0.1)
        if every_s and tenth % round(every_s * 10) == 0:
            for name, value in values.items():
                desk.engine.set(
                    f"/status/{asset}/{name}", value + tenth if isinstance(value, int) else f"{value}{tenth}"
                )
        desk.engine.set("/test/check/y", tenth)


def test_comms_are_ok_while_the_timestamp_changes_and_a_fault_stops_everything():
    desk = checked("CheckAmComms", Timestamp="06-25-2024")
    assert (desk.status("CommsState"), desk.status("CommsOK")) == ("Init", False)
    run(desk, 2, every_s=0.2, Timestamp="06-25-2024 ")
    assert (desk.status("CommsState"), desk.status("CommsOK")) == ("Ok", True)
    run(desk, 0.6)
    assert (desk.status("CommsState"), desk.status("CommsOK")) == ("Alarm", False)
    assert desk.texts() == ["[Timestamp] value [06-25-2024 20] has not changed for 0.5 seconds"]
    run(desk, 4.5)
    assert (desk.status("CommsState"), desk.status("CommsFaultCnt")) == ("Fault", 1)
    assert (desk.status("FaultShutdown"), desk.status("FaultShutdown", "ess")) == (True, True)
    run(desk, 2.7, every_s=0.2, Timestamp="again ")
    assert (desk.status("CommsState"), desk.status("CommsOK"), desk.texts("faults")) == ("Ok", True, [])
    assert desk.status("CommsFaultCnt") == 1


def test_a_heartbeat_may_pause_for_as_long_as_it_holds():
    desk = checked("CheckAmHeartbeat", HeartbeatRead=0)
    run(desk, 12, every_s=1.4, HeartbeatRead=1)
    assert (desk.status("HeartbeatState"), desk.status("HeartbeatOK"), desk.texts()) == ("Ok", True, [])
    run(desk, 6.1)
    assert (desk.status("HeartbeatState"), desk.status("HeartbeatFaultCnt")) == ("Fault", 1)
    # One beat now and then is no recovery.
    run(desk, 10, every_s=2, HeartbeatRead=1000)
    assert desk.status("HeartbeatState") == "Fault"
    run(desk, 4, every_s=1, HeartbeatRead=2000)
    assert desk.status("HeartbeatState") == "Ok"


def test_time_outs_are_configured_for_an_asset_or_for_all():
    desk = checked("CheckAmHeartbeat", config={"essHeartbeatAlarmTimeout": {"value": 7}}, HeartbeatRead=0)
    run(desk, 6.5)
    assert desk.texts() == []
    run(desk, 0.6)
    assert len(desk.texts()) == 1
    desk = checked("CheckAmHeartbeat", config={"essHeartbeatAlarmTimeout": "soon"}, HeartbeatRead=0)
    desk.engine.set("/config/bms", {"essHeartbeatAlarmTimeout": 1})
    run(desk, 1.1)
    assert len(desk.texts()) == 1


@pytest.mark.parametrize("place", ["/config/bms", "/config/ess", "/status/bms"])
def test_a_check_that_is_bypassed_raises_nothing_and_clears_what_it_has_raised(place):
    desk = checked("CheckAmHeartbeat", HeartbeatRead=0)
    run(desk, 7)
    assert len(desk.texts("faults")) == 1
    desk.engine.set(place, {"BypassHeartbeat": True})
    run(desk, 7)
    assert (desk.texts(), desk.texts("faults")) == ([], [])
    assert (desk.status("HeartbeatState"), desk.status("HeartbeatOK")) == ("Bypassed", True)
    desk.engine.set(place, {"BypassHeartbeat": False})
    run(desk, 6.2)
    assert desk.status("HeartbeatState") == "Fault"


def test_an_asset_without_a_heartbeat_is_named_once(caplog):
    desk = checked("CheckAmHeartbeat")
    run(desk, 1)
    assert caplog.text.count("there is no /status/bms:HeartbeatRead, nothing is checked") == 1
    assert desk.status("HeartbeatState") is None


def test_a_link_is_followed():
    desk = checked("CheckAmHeartbeat", HeartbeatRead=0)
    desk.engine.set("/links/bms", {"HeartbeatRead": "/components/bms_1:beat"})
    desk.engine.report("/components/bms_1", {"beat": 1})
    run(desk, 1)
    desk.engine.report("/components/bms_1", {"beat": None})
    run(desk, 3)
    assert desk.texts() == ["[HeartbeatRead] value [1] has not changed for 2.5 seconds"]


def test_the_timestamp_check_keeps_a_state_of_its_own():
    desk = checked("CheckAmTimestamp", Timestamp="06-25-2024")
    run(desk, 1)
    assert (desk.status("TimestampState"), desk.status("TimestampOK"), desk.status("CommsOK")) == ("Alarm", False, None)


@pytest.mark.parametrize(
    ("function", "name"),
    [("CheckAmBmsStatus", "BMSStatus"), ("CheckAmPcsStatus", "PCSStatus"), ("CheckAmPcsStatus", "PCSStatusResp")],
)
def test_a_status_must_be_the_one_expected(function, name):
    desk = checked(function, **{name: "Normal"}, ExpStatus="Normal")
    run(desk, 20)
    assert (desk.status("StatusState"), desk.status("StatusOK"), desk.texts()) == ("Ok", True, [])
    desk.engine.set(f"/status/bms/{name}", "Fault")
    run(desk, 2.6)
    assert desk.texts() == [f"[{name}] value [Fault] is not [Normal] for 2.5 seconds"]
    assert (desk.status("StatusState"), desk.status("StatusOK")) == ("Alarm", False)
    run(desk, 7.6)
    assert (desk.status("StatusState"), desk.status("FaultShutdown", "ess")) == ("Fault", True)
    desk.engine.set("/status/bms/ExpStatus", "Fault")
    run(desk, 2.7)
    assert (desk.status("StatusState"), desk.texts("faults")) == ("Ok", [])


def test_where_no_status_is_expected_all_is_well_and_one_that_is_not_valid_is_not_ok():
    desk = checked("CheckAmBmsStatus", BMSStatus="Normal")
    run(desk, 20)
    assert (desk.status("StatusState"), desk.texts()) == ("Ok", [])
    desk = checked("CheckAmBmsStatus", BMSStatus=None, ExpStatus="Normal")
    assert (desk.status("StatusState"), desk.status("StatusOK")) == ("Init", False)
    run(desk, 3)
    assert (desk.status("StatusState"), desk.texts()) == ("Alarm", ["[BMSStatus] value is not valid for 2.5 seconds"])
