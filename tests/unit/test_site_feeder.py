"""What the engine of configs/clou says of the feeder, and what people see of it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ess_bus.engine import views
from ess_bus.engine.configuration import load
from ess_bus.engine.engine import Engine
from tools.view.picture import picture
from tools.view.store import Store

ENGINE = Path(__file__).parents[2] / "configs" / "clou" / "engine"
MEASURED = {
    "frequency": 60.01,
    "voltage_l1_l2": 34500,
    "active_power": 150,
    "breaker_closed": 1,
    "breaker_tripped": 0,
    "component_connected": True,
}


@pytest.fixture(scope="module")
def configuration():
    return load(ENGINE)


@pytest.fixture
def engine(configuration):
    engine = Engine("ess")
    engine.advance(time.time(), 1.0)
    engine.configure.look_in(configuration.shelf)
    engine.load(configuration.assignments, configuration.tables, rests=False)
    return engine


def feeder(engine):
    return views.get(engine.datamap, "/status/feeder", views.View.NAKED)["/status/feeder"]


def grid(engine):
    store = Store("ess")
    store.take_full((), views.get(engine.datamap, "/", views.View.FULL))
    card = picture(store, 1.0).grid
    return card, {line.label: line.text for line in card.lines}


def test_what_the_meter_says_is_the_feeder_s(engine):
    assert set(feeder(engine).values()) == {None}
    engine.report("/components/meter", MEASURED)
    seen = feeder(engine)
    assert (seen["Frequency"], seen["VoltageL1L2"], seen["ActivePower"]) == (60.01, 34500, 150)
    assert (seen["BreakerClosed"], seen["BreakerTripped"], seen["CommsOK"]) == (True, False, True)
    engine.report("/components/meter", {"breaker_closed": 0, "breaker_tripped": 1})
    assert (feeder(engine)["BreakerClosed"], feeder(engine)["BreakerTripped"]) == (False, True)
    page = views.get(engine.datamap, "/assets/feeder/summary", views.View.NAKED)["/assets/feeder/summary"]
    assert (page["active_power"], page["breaker_closed"], page["communicates"]) == (150, False, True)


def test_what_no_meter_says_is_not_known(engine):
    engine.report("/components/meter", MEASURED)
    engine.invalidate("/components/meter")
    assert set(feeder(engine).values()) == {None}


@pytest.mark.parametrize("code", [2, -1, "closed"])
def test_a_breaker_that_is_neither_open_nor_closed_is_not_known(engine, code):
    engine.report("/components/meter", MEASURED)
    engine.report("/components/meter", {"breaker_closed": code})
    assert feeder(engine)["BreakerClosed"] is None


def test_people_see_the_grid_as_the_meter_does(engine):
    engine.report("/components/meter", MEASURED)
    card, lines = grid(engine)
    assert card.note.lower() == "seen by feeder"
    assert lines["f"] == "60.01 Hz"
    assert lines["Breaker"] == "closed"
    engine.invalidate("/components/meter")
    _, lines = grid(engine)
    assert lines["Breaker"] == lines["f"] == "not valid"


def test_nothing_is_switched_or_stopped_because_of_the_meter(engine):
    before = views.get(engine.datamap, "/controls", views.View.NAKED)
    engine.report("/components/meter", {**MEASURED, "breaker_closed": 0, "breaker_tripped": 1})
    engine.report("/components/meter", {"component_connected": False})
    engine.tick()
    assert views.get(engine.datamap, "/controls", views.View.NAKED) == before
    assert all("meter" not in message.uri for message in engine.take_messages())
