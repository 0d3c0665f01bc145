"""Alarm and fault lists: what people see, what is counted, what is told."""

from __future__ import annotations

import pytest

from ess_bus.engine.alarms import (
    MAX_SHOWN,
    clear_list,
    clear_messages,
    end_shutdown,
    messages,
    raise_message,
)
from ess_bus.engine.engine import Engine
from ess_bus.engine.views import View, get


def names(engine, path="/assets/bms/summary/alarms"):
    return [option["name"] for option in get(engine.datamap, path, View.UI)["options"]]


def events(engine):
    return [(message.body["message"], message.body["severity"]) for message in engine.take_messages()]


def shutdown(engine, asset="bms"):
    variable = engine.find(f"/status/{asset}", "FaultShutdown")
    return None if variable is None else variable.value


def test_an_alarm_is_shown_counted_and_told():
    engine = Engine()
    assert raise_message(engine, "bms", "alarms", "x", "too hot")
    assert get(engine.datamap, "/assets/bms/summary/alarms", View.UI) == {
        "value": 1,
        "options": [{"name": "too hot", "return_value": 3}],
    }
    assert get(engine.datamap, "/status/bms/AlarmCnt") == 1
    assert shutdown(engine) is None
    assert events(engine) == [("too hot", 3)]
    assert set(engine.take_publications().values) == {"/assets/bms/summary", "/status/bms"}


def test_a_list_that_is_made_is_a_ui_variable():
    engine = Engine()
    raise_message(engine, "bms", "faults", "x", "too hot")
    full = get(engine.datamap, "/assets/bms/summary/faults", View.FULL)["faults"]
    assert {key: full[key] for key in ("name", "ui_type", "type", "scaler", "unit", "enabled")} == {
        "name": "Faults",
        "ui_type": "fault",
        "type": "number",
        "scaler": 0,
        "unit": "",
        "enabled": True,
    }


def test_a_fault_asks_for_a_shutdown_that_stays_until_it_is_taken_back():
    engine = Engine()
    raise_message(engine, "bms", "faults", "x", "too hot")
    assert (get(engine.datamap, "/status/bms/FaultCnt"), shutdown(engine)) == (1, True)
    assert not end_shutdown(engine, "bms")
    assert clear_messages(engine, "bms", "faults", "x") == 1
    assert (get(engine.datamap, "/status/bms/FaultCnt"), shutdown(engine)) == (0, True)
    assert end_shutdown(engine, "bms")
    assert shutdown(engine) is False
    assert events(engine) == [("too hot", 4), ("cleared: too hot", 1)]


def test_the_same_message_of_a_source_is_raised_once():
    engine = Engine()
    assert raise_message(engine, "bms", "alarms", "x", "too hot")
    assert not raise_message(engine, "bms", "alarms", "x", "too hot")
    assert raise_message(engine, "bms", "alarms", "y", "too hot")
    assert get(engine.datamap, "/status/bms/AlarmCnt") == 2
    clear_messages(engine, "bms", "alarms", "x")
    assert names(engine) == ["too hot"]
    assert [message.source for message in messages(engine, "bms", "alarms")] == ["y"]


def test_clearing_what_nobody_raised_changes_nothing():
    engine = Engine()
    engine.set("/assets/bms/summary", {"alarms": {"value": 0, "options": []}})
    engine.take_publications()
    assert clear_messages(engine, "bms", "alarms", "x") == 0
    assert not engine.take_messages()
    assert not engine.take_publications().values


def test_the_newest_are_shown_and_what_is_not_is_counted_and_comes_back():
    engine = Engine()
    for number in range(MAX_SHOWN + 3):
        raise_message(engine, "bms", "alarms", f"source {number}", f"text {number}")
    assert names(engine) == [f"text {number}" for number in range(3, MAX_SHOWN + 3)]
    assert get(engine.datamap, "/assets/bms/summary/alarms@dropped") == 3
    assert get(engine.datamap, "/status/bms/AlarmCnt") == MAX_SHOWN + 3
    for number in range(10, 20):
        clear_messages(engine, "bms", "alarms", f"source {number}")
    assert names(engine)[:2] == ["text 0", "text 1"]
    assert "dropped" not in get(engine.datamap, "/assets/bms/summary/alarms", View.FULL)["alarms"]


def test_a_source_that_never_clears_what_it_raises_does_not_fill_the_memory():
    engine = Engine()
    for number in range(200):
        raise_message(engine, "bms", "alarms", "x", f"text {number}")
    assert len(messages(engine, "bms", "alarms")) == 32
    assert names(engine)[-1] == "text 199"


@pytest.mark.parametrize(
    ("tables", "place"),
    [
        ({"/config/bms": {"AlarmDestination": {"value": "/assets/ess/summary:alarms"}}}, "/assets/ess/summary/alarms"),
        ({"/assets/ess/bms": {"name": "Rack"}}, "/assets/ess/bms/alarms"),
        ({"/config/bms": {"AlarmDestination": "nonsense"}}, "/assets/bms/summary/alarms"),
        ({"/assets/bms/summary": {"alarms": {"value": 0, "options": []}}}, "/assets/bms/summary/alarms"),
        ({"/assets/bms/summary": {"alarms": {"value": "none"}}}, "/assets/bms/summary/alarms"),
        ({"/assets/bms": {"summary": 5}}, "/status/bms/alarms"),
    ],
)
def test_where_an_alarm_is_shown(tables, place):
    engine = Engine()
    for table, members in tables.items():
        engine.set(table, members)
    raise_message(engine, "bms", "alarms", "x", "too hot")
    assert names(engine, place) == ["too hot"]
    assert get(engine.datamap, "/status/bms/AlarmCnt") == 1


def test_two_assets_may_share_a_list_and_are_counted_apart():
    engine = Engine()
    for asset in ("rack_1", "rack_2"):
        engine.set(f"/config/{asset}", {"FaultDestination": "/assets/bms/summary:faults"})
        raise_message(engine, asset, "faults", "x", f"{asset} too hot")
    assert names(engine, "/assets/bms/summary/faults") == ["rack_1 too hot", "rack_2 too hot"]
    assert clear_list(engine, "rack_1", "faults") == 1
    assert names(engine, "/assets/bms/summary/faults") == ["rack_2 too hot"]
    assert get(engine.datamap, "/status/rack_1/FaultCnt") == 0
    assert get(engine.datamap, "/status/rack_2/FaultCnt") == 1


def test_a_locked_list_still_shows_and_the_fault_still_shuts_down():
    engine = Engine()
    engine.set("/assets/bms/summary", {"faults": {"value": 0, "options": [], "lock": True}})
    raise_message(engine, "bms", "faults", "x", "too hot")
    assert names(engine, "/assets/bms/summary/faults") == ["too hot"]
    assert (get(engine.datamap, "/status/bms/FaultCnt"), shutdown(engine)) == (1, True)


def test_what_a_person_clears_may_be_raised_again_at_once_and_its_source_clears_in_silence():
    engine, asked = Engine(), []

    def again():
        asked.append(shutdown(engine))
        raise_message(engine, "bms", "faults", "x", "still too hot", again)

    raise_message(engine, "bms", "faults", "x", "too hot", again)
    raise_message(engine, "bms", "faults", "y", "too cold")
    assert clear_list(engine, "bms", "faults") == 2
    assert names(engine, "/assets/bms/summary/faults") == ["still too hot"]
    assert (asked, shutdown(engine)) == ([True], True)
    assert clear_messages(engine, "bms", "faults", "x") == 1
    assert len(asked) == 1


def test_clearing_the_faults_takes_the_shutdown_back():
    engine = Engine()
    raise_message(engine, "bms", "faults", "x", "too hot")
    clear_list(engine, "bms", "faults")
    assert shutdown(engine) is False


def test_long_texts_are_cut():
    engine = Engine()
    raise_message(engine, "bms", "alarms", "x", "h" * 5000)
    assert len(names(engine)[0]) == 300
