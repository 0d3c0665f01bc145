"""What is published when something changes: values, how user interfaces see them, and disabled controls."""

from __future__ import annotations

import json

import pytest

from tests.unit.engine_clock import engine_of
from tests.unit.engine_desk import desk

START = {"value": False, "enabled": True, "ui_type": "control", "type": "enum_button", "name": "Start"}
UI = "/assets/bms/summary"
PRESSED = {"onSet": [{"remap": [{"uri": "/status/bms:pressed"}]}]}


def engine_with(**members):
    engine = engine_of({UI: members, "/status/bms": {"SOC": 5}})
    engine.take_publications()
    return engine


def seen(engine):
    return engine.take_publications()[1]


def test_a_control_that_becomes_disabled_is_published_as_user_interfaces_see_it():
    engine = engine_with(start=START)
    engine.set(f"{UI}/start@enabled", False)
    assert engine.take_publications()[:2] == ({}, {UI: {"start": {"value": False, "enabled": False}}})
    engine.set(f"{UI}/start@enabled", False)
    assert engine.take_publications()[:2] == ({}, {})


def test_other_looks_are_added_to_it_and_what_nobody_sees_is_not_published():
    engine = engine_with(start=START)
    engine.set(UI, {"start": {"value": "$$", "unit": "kW", "name": "Go", "repTime": 5, "options": [{"name": "On"}]}})
    assert seen(engine) == {
        UI: {"start": {"value": False, "options": [{"name": "On"}], "enabled": True, "name": "Go", "unit": "kW"}}
    }
    engine.set(UI, {"start": {"value": "$$", "repTime": 6}})
    assert engine.take_publications()[:2] == ({}, {})


def test_a_variable_of_user_interfaces_is_also_published_so_when_its_value_changes():
    engine = engine_with(soc={"value": 1, "ui_type": "status"}, plain=1)
    engine.set(UI, {"soc": 2, "plain": 2})
    assert engine.take_publications()[:2] == (
        {UI: {"plain": 2, "soc": 2}},
        {UI: {"soc": {"value": 2, "enabled": True}}},
    )


def test_a_value_that_a_vlink_shows_keeps_its_looks():
    follower = {"value": f"{UI}:soc", "vlink": "/status/bms:SOC"}
    tables = {UI: {"soc": {"value": 0, "ui_type": "status", "unit": "%"}}, "/vlinks/bms": {"a": follower}}
    engine = engine_of({**tables, "/status/bms": {"SOC": 5}})
    engine.take_publications()
    engine.set("/status/bms/SOC", 6)
    assert engine.take_publications()[:2] == (
        {UI: {"soc": 6}, "/status/bms": {"SOC": 6}},
        {UI: {"soc": {"value": 6, "enabled": True}}},
    )


def test_an_action_that_disables_a_control_is_seen():
    action = {"onSet": [{"remap": [{"uri": f"{UI}:start@enabled"}]}]}
    engine = engine_with(start=START, allowed={"value": True, "actions": action})
    engine.take_publications()
    engine.set(f"{UI}/allowed", False)
    assert seen(engine) == {UI: {"start": {"value": False, "enabled": False}}}


# -- disabled controls -------------------------------------------------------------------------------------------------


def disabled(**more):
    return engine_with(start={**START, "enabled": False, "actions": PRESSED, **more})


@pytest.mark.parametrize("body", [True, {"value": True}, {"value": True, "unit": "x"}])
def test_a_set_on_a_disabled_control_is_refused_and_people_are_told(body):
    engine = disabled(reason="contactors are open")
    with pytest.raises(ValueError, match="/assets/bms/summary:start is disabled: contactors are open"):
        engine.set(f"{UI}/start", body)
    assert engine.find(UI, "start").value is False
    assert engine.find("/status/bms", "pressed") is None
    (event,) = engine.take_messages()
    assert event.uri == "/events"
    assert event.body["message"] == "a set was refused: /assets/bms/summary:start is disabled: contactors are open"


def test_a_set_of_several_is_refused_as_a_whole():
    engine = engine_with(start={**START, "enabled": False}, soc=1)
    with pytest.raises(ValueError, match="is disabled"):
        engine.set(UI, {"soc": 2, "start": True})
    assert engine.find(UI, "soc").value == 1


@pytest.mark.parametrize(
    ("body", "value"),
    [
        ({"value": True, "enabled": True}, True),
        ({"value": True, "actions": PRESSED}, True),
        ({"value": "$$", "unit": "x"}, False),
        ({"enabled": True}, False),
    ],
)
def test_what_enables_or_defines_a_control_is_taken(body, value):
    engine = disabled()
    engine.set(f"{UI}/start", body)
    assert engine.find(UI, "start").value is value


def test_actions_may_set_a_disabled_control_back_and_what_is_no_control_may_be_set():
    reset = {"onSet": [{"remap": [{"uri": f"{UI}:start", "outValue": False}]}]}
    engine = engine_with(
        start={**START, "value": True, "enabled": False},
        reset={"value": 0, "actions": reset},
        shown={"value": 1, "enabled": False, "ui_type": "status"},
    )
    engine.set(f"{UI}/reset", 1)
    assert engine.find(UI, "start").value is False
    engine.set(f"{UI}/shown", 2)
    assert engine.find(UI, "shown").value == 2


# -- on the bus --------------------------------------------------------------------------------------------------------


def heard(subscription, count):
    """Return so many messages, and make sure that there are no more of them."""
    found = [subscription.receive(60) for _ in range(count)]
    assert subscription.receive(0) is None
    return [(message.uri, message.json()) for message in found]


def test_what_the_engine_owns_is_published_under_its_own_uri_too():
    with desk(owned=("/status",)) as person:
        news = person.bus.subscribe("/ess", "/status", "/controls", pub_only=True)
        person.say("set", "/ess/status/bms", {"SOC": 1})
        person.say("set", "/ess/controls/bms", {"x": 1})
        person.say("set", "/ess/status/bms/SOC", 2)
        assert heard(news, 5) == [
            ("/ess/status/bms", {"SOC": 1}),
            ("/status/bms", {"SOC": 1}),
            ("/ess/controls/bms", {"x": 1}),
            ("/ess/status/bms", {"SOC": 2}),
            ("/status/bms", {"SOC": 2}),
        ]


def test_user_interfaces_find_what_they_see_where_they_would_get_it():
    with desk() as person:
        news = person.bus.subscribe("/ess/ui", pub_only=True)
        person.say("set", "/ess/assets/bms/summary", {"start": START})
        person.say("set", "/ess/assets/bms/summary/start@enabled", False)
        picture = {"value": False, "enabled": False}
        defined, disabled = heard(news, 2)
        assert defined[1]["start"]["enabled"] is True
        assert disabled == ("/ess/ui/assets/bms/summary", {"start": picture})
        assert json.loads(person.say("get", "/ess/ui/assets/bms/summary/start")) == picture
        assert "is disabled" in person.say("set", "/ess/assets/bms/summary/start", True)


def test_the_engine_tells_what_is_scheduled_and_what_is_slow():
    with desk() as person:
        assert person.say("get", "/ess/schlist") == "{}"
        person.say("set", "/ess/system/commands", {"run": {"value": 0, "uri": "/sched/a:x", "every": 60, "after": 5}})
        assert json.loads(person.say("get", "/ess/schlist"))["x"]["uri"] == "/sched/a:x"
        found = json.loads(person.say("get", "/ess/_timings"))
        assert found["functions"]["RunSched"]["calls"] == 1
        assert found["turns"] > 0
        person.say("set", "/ess/_reset_timings", 1)
        assert json.loads(person.say("get", "/ess/_timings"))["functions"] == {}
