"""Answers to gets: plain, naked, full; values, tables, trees (engine.md 2.2, 2.3)."""

from __future__ import annotations

import pytest

from ess_bus.engine.views import View, get, split
from tests.unit.test_engine_datamap import loaded

ACTIONS = {"onSet": [{"remap": [{"uri": "/status/bms:b"}]}]}


@pytest.fixture
def datamap():
    return loaded(
        {
            "/status/bms": {"b": {"value": 2, "unit": "V", "enabled": True}, "a": "x"},
            "/status/bms_1": {"b": {"value": 2, "actions": ACTIONS}},
            "/config": {"y": 1},
        }
    ).datamap


def test_a_variable_is_its_bare_value(datamap):
    assert get(datamap, "/status/bms/a") == "x"
    assert get(datamap, "/status/bms/a", View.NAKED) == "x"


def test_what_a_calculator_works_from_is_all_but_actions_that_call_nothing():
    calling = {"onSet": [{"if": 1, "func": [{"func": "Power", "amap": "bms", "note": "x"}]}]}
    variables = {
        "a": {"value": 1, "scale": 2, "actions": {"onSet": [{"remap": [{"uri": "/x:y"}]}]}},
        "b": {"value": 3, "actions": calling},
    }
    datamap = loaded({"/status/bms": variables}).datamap
    shown = {"a": {"value": 1, "scale": 2}, "b": {"value": 3, "actions": [{"func": "Power", "amap": "bms"}]}}
    assert get(datamap, "/", View.LEAN)["/status/bms"] == shown
    assert get(datamap, "/status/bms/a", View.LEAN) == {"a": shown["a"]}


def test_full_shows_parameters_alphabetically_behind_the_value(datamap):
    answer = get(datamap, "/status/bms/b", View.FULL)
    assert answer == {"b": {"value": 2, "enabled": True, "unit": "V"}}
    assert list(answer["b"]) == ["value", "enabled", "unit"]
    assert get(datamap, "/status/bms_1/b", View.FULL)["b"]["actions"] == ACTIONS


def test_a_table_is_alphabetical_and_without_its_name(datamap):
    answer = get(datamap, "/status/bms")
    assert list(answer) == ["a", "b"]
    assert answer == {"a": {"value": "x"}, "b": {"value": 2}}


def test_several_tables_are_keyed_by_their_uri(datamap):
    assert get(datamap, "/status", View.NAKED) == {"/status/bms": {"a": "x", "b": 2}, "/status/bms_1": {"b": 2}}
    assert set(get(datamap, "/")) == {"/config", "/status/bms", "/status/bms_1"}


def test_a_naked_table_is_keyed_by_its_uri_too(datamap):
    assert get(datamap, "/status/bms_1", View.NAKED) == {"/status/bms_1": {"b": 2}}


def test_prefixes_are_whole_segments(datamap):
    assert get(datamap, "/stat") == {}
    assert get(datamap, "/nothing/here") == {}


def test_an_unknown_variable_is_an_error_with_the_nearest_names(datamap):
    with pytest.raises(LookupError, match="no variable 'bb' in /status/bms; did you mean b"):
        get(datamap, "/status/bms/bb")
    with pytest.raises(LookupError, match="has no parameter 'nothing'"):
        get(datamap, "/status/bms/b@nothing")


def test_the_view_is_the_first_word(datamap):
    assert split(("full", "status", "bms")) == (View.FULL, ("status", "bms"))
    assert split(("naked",)) == (View.NAKED, ())
    assert split(("status", "full")) == (View.PLAIN, ("status", "full"))
    assert split(()) == (View.PLAIN, ())
