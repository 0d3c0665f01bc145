"""Monitors as people use them: `fims_send` at a real engine, alarms in the list that people see, events on the bus."""

from __future__ import annotations

import json

from tests.integration.conftest import eventually

FUNC = {"onSet": [{"func": [{"func": "CheckMonitorVar", "amap": "bms"}]}]}
CELL = {
    "value": 3.3,
    "EnableMaxValCheck": True,
    "EnableFaultCheck": True,
    "MaxAlarmThreshold": 3.5,
    "MaxFaultThreshold": 3.6,
    "MaxResetValue": 3.5,
    "MaxAlarmTimeout": 0.2,
    "MaxRecoverTimeout": 0.1,
    "actions": FUNC,
}
CLEAR = {"value": "", "actions": {"onSet": [{"func": [{"func": "process_sys_alarm"}]}]}}
LIST = "/ess/ui/assets/bms/summary"


def test_a_cell_that_is_too_high_raises_an_alarm_and_a_fault_that_people_clear(start, broker, bus, run):
    start("ess_bus.engine.command", "-x", bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    events = bus.subscribe("/events")
    pictures = bus.subscribe("/ess/ui/assets", pub_only=True)

    def say(uri, body):
        done = run("tools.fims_send", "-m", "set", "-u", uri, json.dumps(body), bus=broker)
        assert done.returncode == 0, done

    def listed(kind):
        return [option["name"].partition(" at ")[0] for option in bus.get(f"{LIST}/{kind}")["options"]]

    def heard():
        message = events.receive(60)
        assert message is not None
        body = message.json()
        return body["source"], body["message"].partition(" at ")[0], body["severity"]

    say("/ess/status/bms", {"max_cell_voltage": CELL})
    say("/ess/faults/bms", {"clear_faults": CLEAR})
    say("/ess/status/bms/max_cell_voltage", 3.55)
    # Nothing is set any more: the engine looks again by itself.
    alarm = "[max_cell_voltage] value [3.55] > max alarm threshold [3.5] for 0.2 seconds"
    assert heard() == ("bms", alarm, 3)
    assert listed("alarms") == [alarm]
    # Who follows the page of the asset is told without asking.
    picture = pictures.receive(60)
    assert picture is not None
    shown = picture.json()["alarms"]
    assert (picture.uri, shown["value"], len(shown["options"])) == (LIST, 1, 1)
    say("/ess/status/bms/max_cell_voltage", 3.7)
    fault = "[max_cell_voltage] value [3.7] > max fault threshold [3.6] for 0 seconds"
    assert heard() == ("bms", fault, 4)
    assert bus.get("/ess/naked/status/bms") == {
        "/status/bms": {"AlarmCnt": 1, "FaultCnt": 1, "FaultShutdown": True, "max_cell_voltage": 3.7}
    }
    say("/ess/status/bms/max_cell_voltage", 3.3)
    eventually(lambda: bus.get(f"{LIST}/faults") == {"value": 0, "options": []})
    eventually(lambda: bus.get(f"{LIST}/alarms") == {"value": 0, "options": []})
    assert bus.get("/ess/status/bms/FaultShutdown") is True
    say("/ess/faults/bms/clear_faults", "Clear")
    assert bus.get("/ess/status/bms/FaultShutdown") is False
