"""HandlePowerCmd on an engine: where it reads, what it writes, what it tells."""

from __future__ import annotations

from typing import Any

import pytest

from ess_bus.reference import Reference
from tests.unit.engine_bench import Bench

P, Q = "/controls/pcs:ActivePowerCmdReal", "/controls/pcs:ReactivePowerCmdReal"
SETPOINT = "/controls/pcs:ActivePowerSetpoint"


def plant(**changed):
    """Return a bench with a PCS of 500 kW and 500 kVA at a battery of 400 kW, wanting nothing."""
    values: dict[str, dict[str, Any]] = {
        "/limits/pcs": {
            "MaxPCSDischargePower_HW": 500,
            "MaxPCSChargePower_HW": -500,
            "MaxPCSReactivePower_HW": 300,
            "RatedApparentPower_HW": 500,
        },
        "/limits/bms": {"ChargePowerLimit": 400, "DischargePowerLimit": 400},
        "/controls/pcs": {"ActivePowerSetpoint": 0, "ReactivePowerSetpoint": 0, "PowerPriority": "P"},
    }
    for name, value in changed.items():
        table = next((table for table, members in values.items() if name in members), "/controls/pcs")
        values[table][name] = value
    return Bench(values)


def limited(bench):
    bench.call("HandlePowerCmd", SETPOINT)
    return bench[P], bench[Q]


def test_set_points_within_the_limits_are_commanded_as_they_are():
    assert limited(plant(ActivePowerSetpoint=100, ReactivePowerSetpoint=-50)) == (100, -50)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"ActivePowerSetpoint": 600}, (400, 0)),
        ({"ActivePowerSetpoint": -600}, (-400, 0)),
        ({"ActivePowerSetpoint": -600, "ChargePowerLimit": -100}, (-100, 0)),
        ({"ActivePowerSetpoint": 400, "ReactivePowerSetpoint": 400}, (400, 300)),
        ({"ActivePowerSetpoint": 400, "ReactivePowerSetpoint": 400, "RatedApparentPower_HW": 450}, (400, 206.155)),
        (
            {
                "ActivePowerSetpoint": 400,
                "ReactivePowerSetpoint": 300,
                "RatedApparentPower_HW": 450,
                "PowerPriority": "q",
            },
            (335.410, 300),
        ),
    ],
)
def test_everything_else_is_limited(changed, expected):
    assert limited(plant(**changed)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    "name",
    [
        *("ActivePowerSetpoint", "DischargePowerLimit", "MaxPCSDischargePower_HW", "RatedApparentPower_HW"),
        *("MaxPCSDischargePower_Config", "DischargeFactor"),
    ],
)
def test_what_is_not_valid_leaves_no_power_and_is_named(name):
    tables = {"/limits/pcs": {"MaxPCSDischargePower_Config": 450}, "/limits/bms": {"DischargeFactor": 1}}
    bench = plant(ActivePowerSetpoint=300)
    for table, members in tables.items():
        bench.set(table, members)
    assert limited(bench)[0] == 300
    table = next(
        table for table in ("/controls/pcs", "/limits/pcs", "/limits/bms") if bench[f"{table}:{name}"] != "absent"
    )
    bench.set(f"{table}:{name}", None)
    assert limited(bench)[0] == 0
    assert name in bench[f"{SETPOINT}@NotValid"]
    bench.set(f"{table}:{name}", 1 if name == "DischargeFactor" else 300)
    assert limited(bench)[0] == 300
    assert bench[f"{SETPOINT}@NotValid"] == ""


def test_without_limits_of_a_battery_there_is_no_power():
    bench = Bench({"/limits/pcs": {"RatedApparentPower_Config": 500}, "/controls/pcs": {"ActivePowerSetpoint": 100}})
    assert limited(bench) == (0, 0)
    (event,) = bench.events()
    assert event.endswith("330.719 kVA; not valid: /limits/bms:ChargePowerLimit, /limits/bms:DischargePowerLimit")


def test_the_lower_one_of_hardware_and_configuration_counts():
    bench = plant(ActivePowerSetpoint=500, DischargePowerLimit=1000)
    bench.set("/limits/pcs", {"MaxPCSDischargePower_Config": 350, "MaxPCSChargePower_Config": 900})
    assert limited(bench)[0] == 350
    bench.set(SETPOINT, -900)
    assert limited(bench)[0] == -400


def test_factors_lower_the_limits_and_never_raise_them():
    bench = plant(ActivePowerSetpoint=400)
    bench.set("/limits/bms", {"DischargeFactor": 0.5, "ChargeFactor": 2})
    assert limited(bench)[0] == 200
    bench.set(SETPOINT, -500)
    assert limited(bench)[0] == -400
    bench.set("/status/pcs", {"Derate": 0.25})
    bench.set(f"{SETPOINT}@derate", "/status/pcs:Derate")
    assert limited(bench)[0] == -100
    bench.set(f"{SETPOINT}@derate", ["/status/pcs:Derate", 0.5])
    assert limited(bench)[0] == -50
    bench.set("/status/pcs:Derate", None)
    assert limited(bench)[0] == 0


def test_what_is_possible_is_shown_with_its_sign():
    bench = plant()
    limited(bench)
    shown = [bench[f"/status/ess:Max{what}Power"] for what in ("Discharge", "Charge", "Reactive", "Apparent")]
    assert shown == [400, -400, 300, 500]


def test_limiting_is_told_once_each_time_it_starts():
    bench = plant(ActivePowerSetpoint=600)
    limited(bench)
    limited(bench)
    (event,) = bench.events()
    assert event.startswith("ActivePowerSetpoint 600 kW is limited to 400 kW; possible are -400 to 400 kW")
    assert (bench[f"{SETPOINT}@PpLimited"], bench[f"{SETPOINT}@PnLimited"]) == (True, False)
    bench.set(SETPOINT, 100)
    limited(bench)
    assert bench[f"{SETPOINT}@PpLimited"] is False
    bench.set(SETPOINT, -600)
    limited(bench)
    assert len(bench.events()) == 1
    assert bench[f"{SETPOINT}@PnLimited"] is True


def test_commands_are_written_only_when_they_change():
    bench = plant(ActivePowerSetpoint=100)
    bench.set(
        "/controls/pcs",
        {
            "ActivePowerCmdReal": {
                "value": 0,
                "actions": {"onSet": [{"remap": [{"uri": "/components/pcs:p", "fims": "set"}]}]},
            }
        },
    )
    bench.sent()
    for _ in range(3):
        limited(bench)
    assert bench.sent() == [("set", "/components/pcs", {"p": {"value": 100}})]
    bench.engine.put(Reference.parse(P), 5)
    limited(bench)
    assert bench[P] == 100


RESULTS = [P, Q, "/status/ess:MaxDischargePower", "/status/ess:MaxChargePower", "/alias/pcs:power", "/link/pcs:power"]


@pytest.mark.parametrize("body", [5, {"value": 5}, {"value": 5, "actions": {"onSet": []}}, {"lock": True}])
@pytest.mark.parametrize("place", RESULTS)
def test_what_is_limited_is_set_by_nobody_else_under_whatever_name(place, body):
    bench = plant(ActivePowerSetpoint=100)
    bench.engine.set("/vlinks/pcs", {"a": {"value": "/alias/pcs:power", "vlink": P}})
    limited(bench)
    if place.startswith("/link/"):
        bench.engine.set("/links/x", {"power": P})
        place = "/status/x:power"
    before = bench[place]
    with pytest.raises(ValueError, match="is what HandlePowerCmd"):
        bench.set(place, body)
    with pytest.raises(ValueError, match="is what HandlePowerCmd"):
        bench.engine.set("/", {place.partition(":")[0]: {place.partition(":")[2]: body, "other": 1}})
    assert (bench[place], bench[f"{place.partition(':')[0]}:other"]) == (before, "absent")


def test_neither_an_action_nor_a_device_s_pub_nor_a_file_sets_what_is_limited(caplog):
    bench = plant(ActivePowerSetpoint=100)
    limited(bench)
    bench.engine.set("/other/way", {"x": {"value": 7, "actions": {"onSet": [{"remap": [{"uri": P}]}]}}})
    assert "an action does not set it" in caplog.text
    assert bench.engine.report("/controls/pcs", {"ActivePowerCmdReal": 7}) != []
    bench.engine.set(
        "/cfg/cfile/pcs/more", {"pname": "pcs", "amname": "pcs", "/controls/pcs": {"ActivePowerCmdReal": 7}}
    )
    assert bench[P] == 100


def test_who_is_switched_off_lets_others_command():
    bench = plant(ActivePowerSetpoint={"value": 100, "enabled": True})
    limited(bench)
    bench.set("/controls/pcs:ActivePowerSetpoint@enabled", False)
    limited(bench)
    assert bench[P] == 0
    bench.set(P, 5)
    assert bench[P] == 5


@pytest.mark.parametrize(("option", "times"), [({"resend": 1}, 4), ({"resend": 0}, 1), ({}, 1)])
def test_commands_may_be_sent_again_and_again(option, times):
    power = {"value": 0, "actions": {"onSet": [{"remap": [{"uri": "/components/pcs:p", "fims": "set"}]}]}}
    bench = plant(ActivePowerSetpoint={"value": 100, **option}, ActivePowerCmdReal=power)
    sent = []
    for _ in range(35):
        bench.call("HandlePowerCmd", SETPOINT, passed_s=0.1)
        sent += bench.sent()
    assert [body for _, _, body in sent] == [{"p": {"value": 100}}] * times


def test_what_becomes_smaller_is_commanded_first():
    send = {
        name: {"value": 0, "actions": {"onSet": [{"remap": [{"uri": f"/components/pcs:{name[0]}", "fims": "set"}]}]}}
        for name in ("ActivePowerCmdReal", "ReactivePowerCmdReal")
    }
    bench = plant(ActivePowerSetpoint=400, ReactivePowerSetpoint=0, **send)
    limited(bench)
    bench.set("/controls/pcs", {"ActivePowerSetpoint": 0, "ReactivePowerSetpoint": 300})
    bench.sent()
    limited(bench)
    assert [next(iter(body)) for _, _, body in bench.sent()] == ["A", "R"]
    bench.set("/controls/pcs", {"ActivePowerSetpoint": 400, "ReactivePowerSetpoint": 0})
    limited(bench)
    assert [next(iter(body)) for _, _, body in bench.sent()] == ["R", "A"]


def test_a_priority_that_is_none_is_replaced_by_the_last_one(caplog):
    bench = plant(PowerPriority="Q")
    limited(bench)
    bench.set("/controls/pcs:PowerPriority", "both")
    limited(bench)
    assert bench["/controls/pcs:PowerPriority"] == "Q"
    assert "expected P or Q, got 'both'" in caplog.text


def test_switched_off_it_commands_nothing_once_and_leaves_the_rest_to_others():
    bench = plant(ActivePowerSetpoint=100)
    limited(bench)
    bench.set(f"{SETPOINT}@enabled", False)
    assert limited(bench) == (0, 0)
    bench.set(P, 7)
    assert limited(bench) == (7, 0)
    bench.set(f"{SETPOINT}@enabled", True)
    assert limited(bench) == (100, 0)


@pytest.mark.parametrize(("parameter", "value"), [("pcs", 5), ("derate", "nothing/here"), ("powerFactor", 7)])
def test_a_wrong_parameter_is_named_and_leaves_no_power(caplog, parameter, value):
    bench = plant(ActivePowerSetpoint=100)
    limited(bench)
    bench.set(f"{SETPOINT}@{parameter}", value)
    assert limited(bench) == (0, 0)
    assert "HandlePowerCmd: " in caplog.text


def test_links_and_other_names_of_assets_lead_where_they_say():
    bench = Bench(
        {
            "/links/pcs_2": {
                "ActivePowerSetpoint": "/site/hs:p",
                "MaxPCSDischargePower_HW": "/components/pcs_2:p_limit",
            },
            "/limits/pcs_2": {"RatedApparentPower_HW": 500},
            "/limits/bms_2": {"DischargePowerLimit": 300},
            "/site/hs": {"p": {"value": 400, "bms": "bms_2", "ess": "ess_2"}},
            "/components/pcs_2": {"p_limit": 200},
        }
    )
    bench.call("HandlePowerCmd", "/site/hs:p", asset="pcs_2")
    assert bench["/controls/pcs_2:ActivePowerCmdReal"] == 200
    assert bench["/status/ess_2:MaxDischargePower"] == 200


def test_a_plant_without_set_points_is_left_alone():
    bench = Bench({"/status/ess": {"tick": 0}})
    bench.call("HandlePowerCmd", "/status/ess:tick")
    assert bench[P] == "absent"
