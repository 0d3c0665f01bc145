"""The power limiter: nothing it lets through is ever outside any limit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.power.limiter import Capability, Priority, capability, limit
from ess_bus.engine.power.ratings import Rating, Ratings, ratings

POWER = st.floats(-1e5, 1e5, allow_nan=False)
WISH = st.none() | POWER
SIZE = st.floats(0, 1e5)
RATED = st.builds(Ratings, SIZE, SIZE, SIZE, SIZE)
PRIORITY = st.sampled_from(Priority)
FULL = Capability(discharge=500, charge=-400, reactive=300, apparent=500)


@given(RATED, WISH, WISH, WISH, WISH, PRIORITY)
def test_no_result_is_outside_any_limit(rated, charge_limit, discharge_limit, p, q, priority):
    able = capability(rated, charge_limit, discharge_limit)
    got = limit(p, q, able, priority)
    assert able.charge <= got.active <= able.discharge
    assert abs(got.reactive) <= able.reactive <= rated.apparent
    assert math.hypot(got.active, got.reactive) <= rated.apparent * (1 + 1e-9) + 1e-9
    assert -abs(charge_limit or 0) <= got.active <= max(discharge_limit or 0, 0)
    assert -rated.charge <= got.active <= rated.discharge
    # Nothing is turned round, and nothing becomes more than was asked for.
    for wish, result in ((p, got.active), (q, got.reactive)):
        assert result == 0 or (math.copysign(1, result) == math.copysign(1, wish) and abs(result) <= abs(wish))


@given(RATED, WISH, WISH, POWER, POWER, PRIORITY)
def test_the_one_with_priority_gives_way_only_to_its_own_limits(rated, charge_limit, discharge_limit, p, q, priority):
    able = capability(rated, charge_limit, discharge_limit)
    got, alone_p = limit(p, q, able, priority), limit(p, 0, able, priority).active
    alone_q = limit(0, q, able, priority).reactive
    if priority is Priority.ACTIVE:
        assert got.active == alone_p
    else:
        assert got.reactive == alone_q
    # What is possible is not given away: nothing is cut but to the circle.
    if (got.active, got.reactive) != (alone_p, alone_q):
        assert math.hypot(got.active, got.reactive) == pytest.approx(able.apparent, rel=1e-6, abs=1e-6)


@given(WISH, WISH, PRIORITY)
def test_what_is_not_valid_counts_as_nothing(p, q, priority):
    able = capability(Ratings(500, 500, 300, 600), None, None)
    assert limit(p, q, able, priority).active == 0
    assert limit(None, None, FULL, priority) == limit(0, 0, FULL, priority)


@pytest.mark.parametrize(
    ("wish", "priority", "expected"),
    [
        ((600, 0), "P", (500, 0)),
        ((-600, 0), "P", (-400, 0)),
        ((0, 400), "P", (0, 300)),
        ((0, -400), "Q", (0, -300)),
        ((500, 300), "P", (500, 0)),
        ((500, 300), "Q", (400, 300)),
        ((-400, -300), "Q", (-400, -300)),
        ((400, 300), "P", (400, 300)),
    ],
)
def test_priority_decides_what_is_cut(wish, priority, expected):
    got = limit(wish[0], wish[1], FULL, Priority(priority))
    assert (got.active, got.reactive) == pytest.approx(expected)


def test_which_wish_could_not_be_met_is_told():
    got = limit(600, -400, FULL, Priority.ACTIVE)
    assert (got.discharge_limited, got.charge_limited) == (True, False)
    assert (got.positive_reactive_limited, got.negative_reactive_limited) == (False, True)
    assert limit(-600, 0, FULL, Priority.ACTIVE).charge_limited
    within = limit(400, 300, FULL, Priority.ACTIVE)
    assert not within.discharge_limited
    assert not within.positive_reactive_limited


def test_the_charge_limit_may_have_either_sign_and_the_discharge_limit_may_not():
    rated = Ratings(500, 500, 300, 600)
    assert capability(rated, 200, 100).charge == capability(rated, -200, 100).charge == -200
    assert capability(rated, 200, -100).discharge == 0


def test_a_full_battery_can_be_discharged_at_full_apparent_power():
    able = capability(Ratings(1000, 1000, 600, 1200), charge_limit=0, discharge_limit=1000)
    assert limit(1000, 0, able, Priority.ACTIVE).active == 1000


D, C, Q, S = Rating


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({D: 400, C: -400, Q: 300, S: 500}, (400, 400, 300, 500)),
        ({D: 400, C: -400, Q: 300}, (400, 400, 300, 500)),
        ({D: 400, C: -400, S: 500}, (400, 400, 300, 500)),
        ({D: 400, S: 500}, (400, 400, 300, 500)),
        ({Q: 300, S: 500}, (400, 400, 300, 500)),
        ({D: 300}, (300, 300, 264.575, 400)),
        ({S: 400}, (300, 300, 264.575, 400)),
        ({Q: 300}, (0, 0, 300, 300)),
        ({}, (0, 0, 0, 0)),
        ({D: 400, C: None, Q: 300, S: 500}, (400, 0, 300, 500)),
        ({D: 400, C: 400, Q: None}, (400, 400, 0, 0)),
        ({S: None}, (0, 0, 0, 0)),
        ({D: 500, C: 400, S: 300}, (500, 400, 0, 300)),
    ],
)
def test_a_rating_that_is_not_given_follows_from_the_others(configured, expected):
    got = ratings(configured)
    assert (got.discharge, got.charge, got.reactive, got.apparent) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("factor", [0, -1, 1.01])
def test_a_power_factor_must_be_one(factor):
    with pytest.raises(ValueError, match="power factor"):
        ratings({S: 400}, factor)
