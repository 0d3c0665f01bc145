"""What a set is answered with where something of it fails: refused as a whole, or set all the same."""

from __future__ import annotations

import json

import pytest

from ess_bus.engine.engine import Engine
from ess_bus.engine.views import get
from tests.unit.engine_desk import desk

RUN = "/system/commands:run"
COUNT = {"onSet": [{"func": [{"func": "TestTriggerFunc"}]}]}


@pytest.fixture
def engine():
    engine = Engine()
    engine.advance(0)
    engine.set("/sched/a", {"x": {"value": 0, "actions": COUNT}})
    return engine


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ({"run": {"value": 0, "uri": "nope"}}, [f"{RUN}: RunSched: uri: expected /table:name, got 'nope'"]),
        (
            {"run": {"value": 0, "uri": "/sched/a:x", "every": -1}},
            [f"{RUN}: RunSched: every: expected seconds, 0.001 at least, got '-1'"],
        ),
        (
            {"stop": {"value": 0, "uri": "/sched/a:y"}},
            ["/system/commands:stop: StopSched: /sched/a:y is not scheduled"],
        ),
        (
            {"runPub": {"value": 0, "table": "/a", "mode": "odd"}},
            ["/system/commands:runPub: RunPub: mode: expected naked, clothed, full, ui, got 'odd'"],
        ),
        (
            {"runOpts": {"value": 0, "options": [{"uri": 5}, {"uri": "/sched/a:x", "every": 1}, 6]}},
            [
                "/system/commands:runOpts: options: uri: expected /table:name, got '5'",
                "/system/commands:runOpts: options: expected an object, got '6'",
            ],
        ),
        (
            {"runMon": {"value": 0, "mname": "none"}},
            ["/system/commands:runMon: RunMonitorList: there is no list /schedule/none/ess"],
        ),
        ({"loadCfg": "none"}, ["/system/commands:loadCfg: none: there is no none in what was sent"]),
    ],
)
def test_a_command_with_wrong_parameters_says_so_each_time(engine, command, expected):
    for _ in range(2):
        found = engine.set("/system/commands", command)
        assert len(found) == len(expected)
        assert all(one.startswith(text) for one, text in zip(found, expected, strict=True)), found


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ({"run": None}, "null is no command"),
        ({"run": {"value": 0, "every": 1}}, "expected uri with /table:name"),
        ({"stop": {"value": 0, "in": 1}}, "expected uri with /table:name"),
    ],
)
def test_a_command_that_says_nothing_is_refused_and_changes_nothing(engine, command, expected):
    with pytest.raises(ValueError, match=expected):
        engine.set("/system/commands", command)
    assert "/system/commands" not in engine.datamap.tables


def test_a_command_that_is_switched_off_is_refused_until_it_is_on(engine):
    run = {"value": 0, "uri": "/sched/a:x", "every": 1}
    assert engine.set("/system/commands", {"run": run}) == []
    engine.set("/system/commands", {"run": {"enabled": False}})
    with pytest.raises(ValueError, match="/system/commands:run is switched off"):
        engine.set("/system/commands", {"run": run})
    assert engine.set("/system/commands", {"run": {**run, "enabled": True}}) == []


def test_definitions_and_bare_commands_are_no_mistakes(engine):
    calls = {"onSet": [{"func": [{"func": "RunSched"}]}]}
    assert engine.set("/system/commands", {"run": {"value": 0, "every": 1, "actions": calls}}) == []
    assert engine.set("/system/commands/run", 0) == []


def test_what_actions_cannot_do_is_told_and_what_was_set_stays_set(engine):
    bit = {"onSet": [{"remap": [{"uri": "/c/x:word[3]"}]}]}
    engine.set("/c/x", {"word": 0, "in": {"value": 0, "actions": bit}})
    text = "/c/x:in: its action on /c/x:word[3]: expected true or false for a bit, got '5'; it is not valid now"
    assert engine.set("/c/x/in", 5) == [text]
    assert [get(engine.datamap, f"/c/x/{name}") for name in ("in", "word")] == [5, None]


def test_a_circle_of_actions_is_named_to_whoever_sets_it_off_each_time(engine):
    there, back = ({"onSet": [{"remap": [{"uri": f"/c/x:{name}"}]}]} for name in "ba")
    engine.set("/c/x", {"a": {"value": 0, "actions": there}, "b": {"value": 0, "actions": back}})
    for value in (1, 2):
        (told,) = engine.set("/c/x/a", value)
        assert told == "actions run in a circle, stopped: /c/x:a -> /c/x:b -> /c/x:a"
        assert [get(engine.datamap, f"/c/x/{name}") for name in "ab"] == [value, value]


def test_links_entries_and_items_are_told_if_they_will_do_nothing(engine):
    engine.set("/links/q", {"a": "/status/q:b"})
    told = engine.set("/links/q", {"b": "/status/q:a"})
    assert all("links run in a circle" in text for text in told)
    assert {text[: len("/status/q:a")] for text in told} == {"/status/q:a", "/status/q:b"}
    # A good one is not told of the others.
    assert engine.set("/links/r", {"a": "/status/r:b"}) == []
    told = engine.set("/schedule/wake_monitor/q", {"/status/q:a": {"value": 0, "func": "CheckMonitorVra"}})
    assert told == [
        "/schedule/wake_monitor/q: /status/q:a: the function CheckMonitorVra is not known; "
        "did you mean CheckMonitorVar, CheckMonitorVar_v2?; left out"
    ]
    (told,) = engine.set("/schedule/wake_monitor/q", {"/status/q:a": {"func": "CheckMonitorVar", "rate": "often"}})
    assert "rate: expected seconds" in told
    (told,) = engine.set("/sched/a", {"z": {"value": 0, "repTime": "often", "runTime": 1, "actions": COUNT}})
    assert "/sched/a:z: repTime: expected seconds" in told


def test_what_nobody_has_asked_for_is_in_the_log_only(engine):
    there = {"onSet": [{"remap": [{"uri": "/components/x:word[3]"}]}]}
    engine.set("/components/x", {"word": 0, "in": {"value": 0, "actions": there}})
    assert engine.report("/components/x", {"in": 7}) == []


def test_the_answer_is_an_error_and_a_calculator_is_told_of_refusals_only():
    with desk() as person:
        wrong = {"run": {"value": 0, "uri": "nope"}}
        said = json.loads(person.say("set", "/ess/system/commands", wrong))
        assert said == {"error": "set, but: /system/commands:run: RunSched: uri: expected /table:name, got 'nope'"}
        there, back = ({"onSet": [{"remap": [{"uri": f"/c/x:{name}"}]}]} for name in "ba")
        person.say("set", "/ess/c/x", {"a": {"value": 0, "actions": there}, "b": {"value": 0, "actions": back}})
        assert "circle" in person.say("set", "/ess/c/x/a", 5)
        person.bus.announce(kind="calculator", prefix="/ess")
        person.turn()
        assert person.say("set", "/ess/c/x", {"a": 6}) == '{"a": 6}'


@pytest.mark.parametrize("where", ["variable", "item"])
def test_variables_that_follow_each_other_by_changes_are_no_circle(engine, where):
    of_variable, of_item = ({"ifChanged": True}, {}) if where == "variable" else ({}, {"ifChanged": True})
    there, back = ({"onSet": [{"remap": [{"uri": f"/c/x:{name}", **of_item}]}]} for name in "ba")
    follow = {"a": {"value": 0, "actions": there, **of_variable}, "b": {"value": 0, "actions": back, **of_variable}}
    assert engine.set("/c/x", follow) == []
    for name, value in (("a", 5), ("b", 7), ("b", 7)):
        assert engine.set(f"/c/x/{name}", value) == []
        assert [get(engine.datamap, f"/c/x/{one}") for one in "ab"] == [value, value]


def test_a_circle_that_goes_on_whatever_changes_is_one_with_if_changed_too(engine):
    there, back = ({"onSet": [{"remap": [{"uri": f"/c/x:{name}", "useSet": True}]}]} for name in "ba")
    follow = {"a": {"value": 0, "actions": there}, "b": {"value": 0, "actions": back}}
    engine.set("/c/x", {name: {**one, "ifChanged": True} for name, one in follow.items()})
    assert engine.set("/c/x/a", 5) == ["actions run in a circle, stopped: /c/x:a -> /c/x:b -> /c/x:a"]


def test_what_a_monitor_was_defined_with_is_no_failure_of_each_value(engine):
    calls = {"onSet": [{"func": [{"func": "CheckMonitorVar"}]}]}
    checked = {"EnableMaxValCheck": True, "MaxAlarmThreshold": 45, "MaxFaultThreshold": 52}
    engine.set("/status/bms", {"X": {"value": 0, **checked, "actions": calls}})
    assert [engine.set("/status/bms/X", value) for value in (5, 6)] == [[], []]
    # One that checks nothing is told each time.
    engine.set("/status/bms", {"Y": {"value": 0, "EnableMaxValCheck": True, "actions": calls}})
    told = "/status/bms:Y: there is no MaxAlarmThreshold, nothing is checked"
    assert [engine.set("/status/bms/Y", value) for value in (5, 6)] == [[told], [told]]


def test_a_locked_variable_takes_the_value_that_it_has_and_nothing_follows(engine):
    engine.set("/c/x", {"mode": {"value": 0, "lock": True, "actions": COUNT}, "order": 0})
    before = get(engine.datamap, "/c/x/mode@triggered")
    engine.set("/c/x", {"mode": 0, "order": 5})
    assert (get(engine.datamap, "/c/x/order"), get(engine.datamap, "/c/x/mode@triggered")) == (5, before)
    with pytest.raises(ValueError, match="/c/x:mode: it is locked"):
        engine.set("/c/x", {"mode": 1, "order": 6})
    assert get(engine.datamap, "/c/x/order") == 5
