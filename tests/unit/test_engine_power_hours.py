"""An hour of power and command functions in wake lists under an injected clock."""

from __future__ import annotations

from tests.unit.engine_clock import engine_of, until


def test_an_hour_of_ramps_within_limits():
    setpoint = "/controls/pcs:ActivePowerSetpoint"
    engine = engine_of(
        {
            "/limits/pcs": {"RatedApparentPower_Config": 1000},
            "/limits/bms": {"ChargePowerLimit": 500, "DischargePowerLimit": 500},
            "/controls/ess": {"P": {"value": 0, "SlewedVal": setpoint, "SlewRate": 1, "RatedValue": 100}},
            "/controls/pcs": {"ActivePowerSetpoint": 0},
            "/status/ess": {"tick": 0},
            # The ramp is before the limiter in its list: what is limited is what it has come to.
            "/schedule/wake_monitor/ess": {
                "/controls/ess:P": {"func": "SlewVal", "rate": 1},
                setpoint: {"func": "HandlePowerCmd", "amap": "pcs", "rate": 1},
                "/status/ess:tick": {"func": "UpdateSysTime", "amap": "ess", "rate": 1},
            },
        }
    )

    def commanded():
        return engine.datamap.tables["/controls/pcs"]["ActivePowerCmdReal"].value

    engine.set("/controls/ess/P", 800)
    until(engine, 60)
    assert 58 < commanded() < 61
    until(engine, 1200)
    assert commanded() == 500
    engine.set("/controls/ess/P", -200)
    until(engine, 1800)
    assert -200 <= commanded() < 500
    until(engine, 2400)
    assert commanded() == -200
    engine.set("/limits/bms/ChargePowerLimit", None)
    until(engine, 3600)
    assert commanded() == 0
    assert engine.datamap.tables["/status/ess"]["timeString"].value == "2023-11-14 23:13:20"
