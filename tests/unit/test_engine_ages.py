"""How old the values are that an engine has from others."""

import math

import pytest

from ess_bus.engine.ages import Ages
from ess_bus.engine.authors import devices_of
from ess_bus.engine.metrics import of_ages
from ess_bus.service.measures import Measure
from tests.unit.engine_desk import desk

BMS = "/components/bms"
UP, DOWN = {"soc": 50, "component_connected": True}, {"soc": None, "component_connected": False}


def shown(measures) -> dict[str, Measure]:
    return {one.name: one for one in measures}


def test_a_device_is_as_old_as_the_last_pub_in_which_it_was_read():
    ages = Ages()
    assert ages.of_devices([BMS], 5) == {BMS: None}
    ages.told(BMS, UP, 10)
    assert ages.of_devices([BMS], 12) == {BMS: 2}
    # A bridge goes on telling, of a device that is dead, that it is dead.
    for now_s in range(13, 60):
        ages.told(BMS, DOWN, now_s)
    assert ages.of_devices([BMS], 60) == {BMS: 50}
    ages.told(BMS, UP, 61)
    assert ages.of_devices([BMS], 61) == {BMS: 0}


@pytest.mark.parametrize("body", [{"soc": 51}, 51, False])
def test_a_pub_that_says_nothing_of_the_connection_does_not_change_what_is_known_of_it(body):
    ages = Ages()
    ages.told(BMS, body, 1)
    ages.told(BMS, DOWN, 2)
    ages.told(BMS, body, 3)
    assert ages.of_devices([BMS], 4) == {BMS: 3}


def test_null_alone_is_no_value():
    ages = Ages()
    ages.told(BMS, None, 1)
    assert ages.of_devices([BMS], 2) == {BMS: None}


def test_the_oldest_is_that_of_devices_and_calculator():
    ages = Ages()
    assert shown(of_ages(ages, [], 1))["ess_engine_oldest_value_seconds"].samples == []
    ages.calculates(1)
    assert shown(of_ages(ages, [], 9))["ess_engine_oldest_value_seconds"].samples[0].value == 8
    ages.told(BMS, UP, 0)
    found = shown(of_ages(ages, [BMS], 9))
    assert found["ess_engine_oldest_value_seconds"].samples[0].value == 9
    assert found["ess_engine_calculator_age_seconds"].samples[0].value == 8
    assert shown(of_ages(ages, [BMS, "/components/pcs"], 9))["ess_engine_oldest_value_seconds"].samples[0].value == (
        math.inf
    )


def test_parts_of_a_device_are_that_device():
    assert devices_of([f"{BMS}/racks/1", BMS, "/components", "/components/pcs"]) == [BMS, "/components/pcs"]


def test_an_engine_does_not_wait_for_tables_that_it_owns_itself():
    own = "/components/own"
    rows = [(f"{BMS}/soc", 1), (f"{own}/soc", 1), ("/status/bms/soc", 1)]
    with desk(owned=(own,)) as found:
        for uri, value in rows:
            found.say("set", f"/ess{uri}", value)
        devices = {
            sample.labels["device"]: sample.value for sample in found.measured()["ess_engine_device_age_seconds"]
        }
    assert devices == {BMS: math.inf}


def test_what_a_device_publishes_makes_it_young():
    with desk() as found:
        found.say("pub", f"{BMS}", UP)
        (sample,) = found.measured()["ess_engine_device_age_seconds"]
        assert (sample.labels, math.isfinite(sample.value)) == ({"device": BMS}, True)
