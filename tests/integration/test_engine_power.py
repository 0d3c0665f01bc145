"""Set points and commands as people use them: `fims_send` at a real engine, a device that takes what it is sent."""

from __future__ import annotations

import json

from tests.integration.conftest import eventually

# Whatever is set, the function works for the set point.
LIMITING = {"onSet": [{"func": [{"func": "HandlePowerCmd", "amap": "pcs"}]}]}
SENDING = {"onSet": [{"remap": [{"uri": "/components/pcs:power", "fims": "set"}]}]}
TABLES = {
    "/limits/pcs": {"MaxPCSDischargePower_HW": 500, "MaxPCSChargePower_HW": 500, "MaxPCSReactivePower_HW": 0},
    "/limits/bms": {"ChargePowerLimit": -400, "DischargePowerLimit": {"value": 400, "actions": LIMITING}},
    "/config/ess": {"pDischargeTbl": "p.csv"},
    "/status/bms": {"SOC": 50, "MaxCellTemp": 20, "MinCellTemp": 20, "tick": 0},
    "/controls/pcs": {
        "ActivePowerSetpoint": {"value": 0, "actions": LIMITING},
        "ActivePowerCmdReal": {"value": 0, "actions": SENDING},
        "Start": {"value": True, "cmdVar": "/components/pcs:start", "expression": "{1} > 0", "variable1": "SOC_seen"},
    },
    "/links/pcs": {"SOC_seen": "/status/bms:SOC"},
    "/components/pcs": {"start": False, "power": 0},
    "/schedule/wake_monitor/pcs": {"/controls/pcs:Start": {"rate": 0.05, "func": "HandleCmd"}},
    "/schedule/wake_monitor/ess": {"/status/bms:tick": {"rate": 0.05, "amap": "ess", "func": "HandlePowerLimit"}},
}


def test_a_set_point_is_limited_and_a_command_confirmed_by_its_device(start, broker, bus, run, folder):
    site = folder / "engine"
    site.mkdir()
    (site / "a.json").write_text(json.dumps(TABLES))
    (site / "p.csv").write_text("SoC/T,0,20,100\n-10,0,0,0\n0,0,1,1\n60,0,0,0\n")
    (folder / "plant.json").write_text('{"publishRate": 50, "components": {"pcs": {"start": false, "power": 5}}}')
    start("ess_bus.engine.command", site, bus=broker)
    eventually(lambda: bus.get("/processes/ess_controller"))
    start("tools.twins.command", folder / "plant.json", bus=broker)

    def say(uri, body):
        done = run("tools.fims_send", "-m", "set", "-u", uri, json.dumps(body), bus=broker)
        assert done.returncode == 0, done

    eventually(lambda: bus.get("/ess/components/pcs/power") == 5)
    eventually(lambda: bus.get("/limits/bms/DischargeFactor") == 1)
    say("/ess/controls/pcs/ActivePowerSetpoint", 450)
    eventually(lambda: bus.get("/components/pcs/power") == 400)
    # The battery says no more: what was commanded does not stand.
    bus.set("/ess/limits/bms/DischargePowerLimit", {"value": None})
    eventually(lambda: bus.get("/components/pcs/power") == 0)
    setpoint = bus.get("/ess/full/controls/pcs/ActivePowerSetpoint")["ActivePowerSetpoint"]
    assert setpoint["NotValid"] == "/limits/bms:DischargePowerLimit"
    say("/ess/controls/pcs/Start@triggerCmd", True)
    eventually(lambda: bus.get("/ess/status/pcs/StartSuccess") is True)
    assert bus.get("/components/pcs/start") is True
    # Nothing is sent for a battery that is empty.
    bus.set("/ess/status/bms/SOC", 0)
    bus.set("/ess/controls/pcs/Start@triggerCmd", True)
    eventually(lambda: bus.get("/ess/full/controls/pcs/Start")["Start"]["cmdState"].startswith("SendFailure"))
    assert bus.get("/ess/status/pcs/StartSuccess") is False
