"""BalancePower, DeratePower, EstimatePower, HandlePowerLimit: what becomes of powers beside the limiter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.power.balance import Balancing, Side, share_of_a, split
from ess_bus.engine.power.derating import Derating, Steps
from ess_bus.engine.signals.lookup import read_csv
from ess_bus.reference import Reference
from tests.unit.engine_bench import Bench

POWER = st.floats(-1e4, 1e4)
SIDES = st.builds(Side, *[st.none() | POWER] * 4)
BALANCING = st.builds(Balancing, most_difference=st.just(math.inf) | st.floats(0, 1e4))


@given(st.none() | POWER, st.floats(0, 1), SIDES, SIDES, BALANCING)
def test_sides_stay_within_their_limits_and_together_within_the_command(power, share, a, b, how):
    for_a, for_b = split(power, share, a, b, how)
    assert abs(for_a + for_b) <= abs(power or 0) + 1e-6
    assert abs(for_a - for_b) <= how.most_difference + 1e-6
    for got, side in ((for_a, a), (for_b, b)):
        assert got * (power or 0) >= 0
        assert -abs(side.charge or 0) <= got <= max(side.discharge or 0, 0)


@given(POWER, SIDES, SIDES, st.floats(-1, 1))
def test_a_share_is_a_share(power, a, b, correction):
    assert 0 <= share_of_a(power, a, b, correction) <= 1


def balanced(**changed):
    """Return a bench with two sides that can do 300 kW each."""
    values = {
        "p": 400,
        "q": 100,
        "vA": 1000,
        "vB": 1000,
        "dc": 200,
        "eA": None,
        "eB": None,
        "chA": -300,
        "chB": -300,
        "disA": 300,
        "disB": 300,
        **changed,
    }
    parameters = {
        "pCmdVar": "/in/b:p",
        "qCmdVar": "/in/b:q",
        "dcCurrentVar": "/in/b:dc",
        **{f"bmsInputDc{side}": f"/in/b:v{side}" for side in "AB"},
        **{f"bms{side}Energy": f"/in/b:e{side}" for side in "AB"},
        **{f"pcsMaxChrgPwr{side}": f"/in/b:ch{side}" for side in "AB"},
        **{f"pcsMaxDschgPwr{side}": f"/in/b:dis{side}" for side in "AB"},
        **{f"{power}Output{side}Var": f"/out/{side}:{power}" for side in "AB" for power in "pq"},
    }
    return Bench({"/in/b": values, "/controls/ess": {"balance": {"value": 0, **parameters}}})


def split_now(bench, passed_s=0.0):
    bench.call("BalancePower", "/controls/ess:balance", passed_s=passed_s)
    return bench["/out/A:p"], bench["/out/B:p"]


def test_equal_sides_do_half_each():
    bench = balanced()
    assert split_now(bench) == (200, 200)
    assert (bench["/out/A:q"], bench["/out/B:q"]) == (50, 50)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"eA": 300, "eB": 100}, (300, 100)),
        ({"p": -400, "eA": 300, "eB": 100}, (-100, -300)),
        ({"eA": 0, "eB": 0}, (200, 200)),
        ({"p": 500, "disA": 100}, (100, 300)),
        ({"p": 500, "disB": None}, (300, 0)),
        ({"p": -500, "chB": None}, (-300, 0)),
        ({"p": 900}, (300, 300)),
        ({"p": None}, (0, 0)),
    ],
)
def test_energy_and_limits_of_the_sides_count(changed, expected):
    assert split_now(balanced(**changed)) == pytest.approx(expected)


def test_the_higher_voltage_gives_more_and_takes_less_but_slowly():
    bench = balanced(vA=1010, vB=990, p=100)
    assert split_now(bench) == (50, 50)
    assert split_now(bench, 1.5) == pytest.approx((60, 40))
    # 0.7 x 20 V / 50 V
    assert split_now(bench, 60) == pytest.approx((78, 22))
    bench.set("/in/b:p", -100)
    assert split_now(bench) == pytest.approx((-22, -78))
    bench.set("/controls/ess:balance@reset", True)
    assert split_now(bench, 1) == pytest.approx((-50, -50))


@pytest.mark.parametrize(
    ("changed", "parameters"),
    [
        ({"dc": 5}, {"dcCurrentThreshold": 10}),
        ({"dc": None}, {}),
        ({"vB": None}, {}),
        ({}, {"deadband": 20}),
    ],
)
def test_voltages_that_say_nothing_move_nothing(changed, parameters):
    bench = balanced(**{"vA": 1010, "vB": 990, "p": 100, **changed})
    bench.set("/controls/ess", {"balance": {"value": "$$", **parameters}})
    split_now(bench)
    assert split_now(bench, 60) == (50, 50)


@pytest.mark.parametrize(("most", "expected"), [(50, (225, 175)), (0, (200, 200)), ("/in/b:unknown", (200, 200))])
def test_sides_do_not_differ_by_more_than_allowed(most, expected):
    bench = balanced(eA=900, eB=100)
    bench.set("/controls/ess:balance@maxPDeltakW", most)
    assert split_now(bench) == pytest.approx(expected)


@pytest.mark.parametrize(("parameter", "value"), [("enabled", False), ("scaleFactor", "x"), ("pCmdVar", "/nothing")])
def test_without_balancing_nothing_stays_commanded(parameter, value):
    bench = balanced()
    split_now(bench)
    bench.set(f"/controls/ess:balance@{parameter}", value)
    assert split_now(bench) == (0, 0)
    bench.set("/out/A:p", 5)
    assert split_now(bench) == (5, 0)


# -- derating ----------------------------------------------------------------------------------------------------------


def derating():
    return Bench(
        {
            "/status/pcs": {
                "SystemState": "Running",
                "Derate": {"value": 1, "Decrement": 0.1, "Increment": 0.05, "Hold": 2},
            },
            "/status/bms": {"OverCurrentD1": False, "OverCurrentD2": False, "UnderCurrentD1": False, "tick": 0},
        }
    )


def derated(bench, passed_s=0.1, function="DeratePower", place="/status/bms:tick"):
    bench.call(function, place, passed_s=passed_s)
    return bench["/status/pcs:Derate"]


def test_a_factor_falls_while_currents_are_too_large_and_recovers_after_a_hold():
    bench = derating()
    bench.set("/status/bms:OverCurrentD1", True)
    assert derated(bench) == 1
    bench.set("/status/bms:OverCurrentD2", True)
    assert [derated(bench) for _ in range(3)] == pytest.approx([0.9, 0.8, 0.7])
    bench.set("/status/bms", {"OverCurrentD2": False})
    assert derated(bench) == pytest.approx(0.6)
    bench.set("/status/bms", {"OverCurrentD1": False})
    assert derated(bench, 1.9) == pytest.approx(0.6)
    assert derated(bench, 0.2) == pytest.approx(0.65)
    # It trips again on its way up, in the other direction of the current.
    bench.set("/status/bms:UnderCurrentD1", True)
    assert derated(bench) == pytest.approx(0.55)
    bench.set("/status/bms:UnderCurrentD1", False)
    assert derated(bench, 1.9) == pytest.approx(0.55)
    assert [derated(bench, 1) for _ in range(12)][-1] == 1


def test_nothing_recovers_on_what_is_not_known_or_while_the_pcs_does_not_run():
    bench = derating()
    bench.set("/status/pcs:Derate", 0.5)
    bench.set("/status/bms:OverCurrentD1", None)
    assert derated(bench, 10) == 0.5
    bench.set("/status/bms:OverCurrentD1", False)
    bench.set("/status/pcs:SystemState", "Off")
    assert derated(bench, 10) == 0.5
    bench.set("/status/pcs:SystemState", "Running")
    assert derated(bench, 10) == 0.55
    bench.engine.put(Reference("/status/pcs", "Derate"), None)
    assert derated(bench, 10) == 0.05


def test_a_rack_has_a_factor_of_its_own():
    bench = derating()
    bench.set("/status/rack_1", {"OverCurrentD1": True, "OverCurrentD2": True, "tick": 0})
    derated(bench, function="DerateRack", place="/status/rack_1:tick")
    assert bench["/status/rack_1:Derate"] == pytest.approx(0.99)
    assert bench["/status/pcs:Derate"] == 1


def test_a_wrong_parameter_of_a_factor_is_named(caplog):
    bench = derating()
    bench.set("/status/pcs:Derate@Hold", "long")
    derated(bench)
    assert "Derate@Hold: expected a number of 0 or more" in caplog.text


@given(st.lists(st.tuples(st.none() | st.booleans(), st.none() | st.booleans(), st.floats(0, 20)), max_size=50))
def test_a_factor_is_always_one_and_never_rises_unless_all_is_well(looks):
    factor, now_s, one = 0.5, 0.0, Derating()
    for over, far_over, passed_s in looks:
        now_s += passed_s
        after = one.step(factor, over, far_over, Steps(0.1, 0.05, 5), now_s)
        assert 0 <= after <= 1
        assert after <= factor or over is False
        factor = after


# -- estimates and tables ----------------------------------------------------------------------------------------------


def test_currents_and_voltage_are_limits_of_power():
    bench = Bench({"/status/bms": {"BMSVoltage": 1000, "MaxBMSChargeCurrent": 100, "MaxBMSDischargeCurrent": 200}})

    def limits():
        bench.call("EstimatePower", "/status/bms:BMSVoltage")
        return bench["/limits/bms:ChargePowerLimit"], bench["/limits/bms:DischargePowerLimit"]

    assert limits() == (-100, 200)
    bench.set("/status/bms:MaxBMSChargeCurrent", -50)
    assert limits() == (-50, 200)
    bench.set("/status/bms:MaxBMSDischargeCurrent", None)
    assert limits() == (-50, None)
    bench.set("/status/bms:BMSVoltage", None)
    assert limits() == (None, None)


CHARGE = "SoC/T,0,50,100\n-10,0,0,0\n0,0.1,0.1,0\n20,1,1,0.5\n50,0,0,0\n"


def tables():
    return Bench(
        {
            "/config/ess": {"pChargeTbl": "c.csv", "pDischargeTbl": "d.csv"},
            "/tables/c.csv": {"cells": {"value": read_csv(CHARGE)}},
            "/tables/d.csv": {"cells": {"value": read_csv("SoC/T,0,100\n-20,1,1\n60,1,1\n")}},
            "/status/bms": {"SOC": 50, "MaxCellTemp": 30, "MinCellTemp": 25},
            "/controls/ess": {"tick": 0},
        }
    )


def factors(bench):
    bench.call("HandlePowerLimit", "/controls/ess:tick")
    return bench["/limits/bms:ChargeFactor"], bench["/limits/bms:DischargeFactor"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, (1, 1)),
        ({"SOC": 100}, (0.5, 1)),
        ({"MinCellTemp": 5}, (0.1, 1)),
        ({"MaxCellTemp": 51}, (0, 1)),
        ({"MaxCellTemp": 61}, (0, 0)),
        ({"SOC": 101}, (0, 0)),
        ({"SOC": None}, (None, None)),
        ({"MinCellTemp": None}, (None, None)),
    ],
)
def test_the_less_favourable_temperature_counts(changed, expected):
    bench = tables()
    bench.set("/status/bms", {"SOC": 50, **changed})
    assert factors(bench) == expected


def test_a_table_that_is_not_there_is_named_and_leaves_no_power(caplog):
    bench = tables()
    assert factors(bench) == (1, 1)
    bench.set("/config/ess:pDischargeTbl", "nothing.csv")
    assert factors(bench) == (1, None)
    assert "'nothing.csv': no such table" in caplog.text


def test_names_of_the_inputs_may_be_others():
    bench = tables()
    bench.set("/controls/ess", {"tick": {"value": 0, "soc": "/site/a:soc", "temperature": "/site/a:t", "bms": "bms_1"}})
    bench.set("/site/a", {"soc": 60, "t": 22})
    factors(bench)
    assert bench["/limits/bms_1:ChargeFactor"] == 1
