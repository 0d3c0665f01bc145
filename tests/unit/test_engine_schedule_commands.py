"""The commands and files of the original's schedule (engine.md 3.2, 3.4), old and new."""

from __future__ import annotations

import pytest

from ess_bus.engine.functions.registry import FUNCTIONS, Function
from tests.unit.engine_clock import at, engine_of, shown, until

COUNT = {"onSet": [{"func": [{"func": "TestTriggerFunc"}]}]}
LOAD = {"onSet": [{"func": [{"func": "HandleSchedLoad", "amap": "pcs"}]}]}
START = "/sched/pcs:start"


@pytest.fixture
def calls(monkeypatch):
    """What the function Note was called with, in order: (time, asset, place, value)."""
    found = []

    def note(call):
        found.append((round(call.engine.uptime_s, 3), call.asset, str(call.place), call.value))

    monkeypatch.setitem(FUNCTIONS, "Note", Function("Note", note, "", takes_invalid=False))
    return found


def old_item(**said):
    item = {"value": "start", "uri": START, "fcn": "Note", "id": "startPCS", "refTime": 0.269, "runAfter": 0.27}
    return {**item, "repTime": 0.1, "endTime": 0, **said}


def when(calls):
    return [time for time, *_ in calls]


@pytest.mark.parametrize("actions", [{}, {"actions": LOAD}], ids=["without actions", "with HandleSchedLoad"])
def test_an_item_of_a_file_runs_by_its_parameters(calls, actions):
    engine = engine_of({"/sched/pcs": {"start": old_item(**actions)}})
    until(engine, 0.5)
    assert calls == [(time, "pcs", START, "start") for time in (0.27, 0.37, 0.47)]
    assert engine.reports[("schlist",)]() == {
        "startPCS": {"runTime": 0.57, "repTime": 0.1, "runs": 3, "uri": START, "func": "Note"}
    }


def test_an_item_rests_until_its_end_is_taken_away_and_it_is_set(calls):
    """A button starts a sequence so, and stops another one, in the configurations that there are."""
    items = [
        {"inValue": True, "uri": "/sched/pcs:start@endTime", "outValue": 0},
        {"inValue": True, "uri": "/sched/pcs:start", "outValue": "schedStartupPCS"},
        {"inValue": False, "uri": "/sched/pcs:start@endTime", "outValue": 1},
    ]
    button = {"value": False, "actions": {"onSet": [{"remap": items}]}}
    engine = engine_of({"/sched/pcs": {"start": old_item(endTime=0.001)}, "/controls/pcs": {"go": button}})
    assert until(engine, 5) == 0
    engine.set("/controls/pcs/go", True)
    until(engine, 5.5)
    assert when(calls) == [5.27, 5.37, 5.47]
    engine.set("/controls/pcs/go", False)
    assert engine.due_s() == float("inf")
    assert shown(engine, START)["active"] is False
    engine.set("/controls/pcs/go", True)
    until(engine, 5.8)
    assert when(calls)[3:] == [5.77]


def test_an_item_runs_for_a_time_and_with_another_variable_and_asset(calls):
    said = old_item(runFor=0.2, targ="/status/pcs:x", amap="pcs_2")
    engine = engine_of({"/sched/pcs": {"start": said}, "/status/pcs": {"x": 5}})
    until(engine, 5)
    assert calls == [(0.27, "pcs_2", "/status/pcs:x", 5), (0.37, "pcs_2", "/status/pcs:x", 5)]


def test_an_item_with_actions_and_times_runs_by_itself():
    item = {"value": 0, "id": "EverySecond", "refTime": 0.25, "runTime": 0.25, "repTime": 1, "actions": COUNT}
    off = {**item, "enabled": False}
    engine = engine_of({"/sched/ess": {"on": {**item, "$$action": False}, "off": off, "plain": 0}})
    until(engine, 2.3)
    assert shown(engine, "/sched/ess:on")["triggered"] == 3
    engine.set("/sched/ess", {"more": {"value": 0, "repTime": 0.5, "actions": COUNT}})
    engine.set("/sched/ess/off@enabled", True)
    until(engine, 3.3)
    # Its definition is a set, too; then it runs at 2.5 and 3.
    assert shown(engine, "/sched/ess:more")["triggered"] == 1 + 2
    assert shown(engine, "/sched/ess:off")["triggered"] == 1


@pytest.mark.parametrize("said", [{"repTime": "often"}, {"runAfter": -1}, {"repTime": 1e-7}])
def test_an_item_with_wrong_times_is_named_and_the_others_run(calls, caplog, said):
    engine = engine_of({"/sched/pcs": {"a": old_item(uri="/sched/pcs:a", **said), "start": old_item()}})
    until(engine, 0.3)
    assert f"{next(iter(said))}: expected seconds" in caplog.text
    assert when(calls) == [0.27]


def test_an_unknown_function_is_named_once_and_its_items_rest(calls, caplog):
    engine = engine_of({"/sched/pcs": {name: old_item(uri=f"/sched/pcs:{name}", fcn="Fly") for name in ("a", "b")}})
    assert until(engine, 3600) == 0
    assert caplog.text.count("the function Fly is not known") == 1
    assert shown(engine, "/sched/pcs:b")["response"] == "the function Fly is not known"


def test_what_the_calculator_does_is_not_scheduled(caplog):
    engine = engine_of({"/sched/pcs": {"start": old_item(fcn="CalculateVar")}})
    assert until(engine, 3600) == 0
    assert not caplog.records


# -- addSchedItem, modSchedItem, delSchedItem --------------------------------------------------------------------------


def say(engine, command, value="Every100mSP1", **body):
    engine.set("/schedule/ess", {command: {"value": value, **body}})


def test_items_are_added_changed_and_removed_as_the_original_s_scripts_do(calls):
    engine = engine_of()
    say(engine, "addSchedItem", uri=START, fcn="Note", refTime=0.22, runAfter=0.22, repTime=0.1, endTime=0)
    until(engine, 0.45)
    assert calls == [(time, "pcs", START, "start") for time in (0.22, 0.32, 0.42)]
    assert list(engine.reports[("schlist",)]()) == ["Every100mSP1"]
    assert shown(engine, "/schedule/ess:addSchedItem")["uri"] == "none"
    say(engine, "modSchedItem", uri=START, repTime=0.2)
    until(engine, 1)
    assert when(calls)[3:] == [0.62, 0.82]
    say(engine, "delSchedItem", uri=START)
    assert engine.due_s() == float("inf")


def test_an_item_that_has_its_definition_is_added_by_its_name():
    item = {"value": 0, "repTime": 1, "enabled": True, "actions": COUNT, "$$action": False}
    add = {"value": "none", "actions": {"onSet": [{"func": [{"func": "AddSchedItem", "amap": "ess"}]}]}}
    engine = engine_of({"/control/a": {"x": item}, "/scheduler/ess": {"add_item": add}})
    assert engine.due_s() == float("inf")
    engine.set("/scheduler/ess/add_item", "/control/a:x")
    until(engine, 2)
    assert shown(engine, "/control/a:x")["triggered"] == 3


def test_a_wrong_old_command_is_named(caplog):
    engine = engine_of()
    say(engine, "addSchedItem", uri="nowhere", fcn="Note")
    say(engine, "delSchedItem", uri=START)
    assert "uri: expected /table:name, got 'nowhere'" in caplog.text
    assert "/sched/pcs:start is not scheduled" in caplog.text


# -- SchedItemOpts -----------------------------------------------------------------------------------------------------

OPTIONS = {"onSet": [{"func": [{"amap": "ess", "func": "SchedItemOpts"}]}]}


def three(**option):
    return [{"uri": f"/sched/a:{name}", "value": 0, "every": 1, **option} for name in ("x", "y", "z")]


def counted(engine):
    return [shown(engine, f"/sched/a:{name}").get("triggered", 0) for name in ("x", "y", "z")]


def with_options(**said):
    items = {name: {"value": 0, "actions": COUNT, "$$action": False} for name in ("x", "y", "z")}
    return engine_of({"/sched/a": items, "/control/a": {"start": {"value": 0, "$$action": False, **said}}})


@pytest.mark.parametrize("way", [{}, {"targav": "/system/commands:run"}], ids=["itself", "targav"])
def test_many_items_are_started_at_once(way):
    engine = with_options(options=three(), actions=OPTIONS, **way)
    assert until(engine, 1) == 0
    engine.set("/control/a/start", 1)
    until(engine, 3.5)
    assert counted(engine) == [3, 3, 3]
    assert until(engine, 4) == 1, "they are due together"


def test_options_say_when_each_runs():
    options = three()
    options[0].update(after=1, **{"for": 1})
    options[1].update(every=0)
    options[2].update(offset=0.5, every=2)
    engine = with_options(options=options, actions=OPTIONS)
    engine.set("/control/a/start", 1)
    until(engine, 5)
    assert counted(engine) == [1, 1, 3]


def test_new_options_are_started_alone_and_kept():
    engine = with_options(options=three()[:1], actions=OPTIONS)
    engine.set("/control/a", {"start": {"value": 1, "new_options": three(every=2)[1:2]}})
    until(engine, 2)
    assert counted(engine) == [0, 2, 0]
    assert [option["uri"] for option in shown(engine, "/control/a:start")["options"]] == ["/sched/a:x", "/sched/a:y"]
    assert shown(engine, "/control/a:start")["new_options"] == []
    engine.set("/control/a/start", 1)
    until(engine, 2.5)
    assert counted(engine) == [1, 3, 0]


def test_an_option_that_is_off_ends_its_item():
    engine = with_options(options=three(), actions=OPTIONS)
    engine.set("/control/a/start", 1)
    options = three(enable=False)
    engine.set("/control/a", {"start": {"value": 1, "options": options[:2]}})
    assert list(engine.reports[("schlist",)]()) == ["z"]


def test_options_without_a_definition_are_a_command():
    engine = with_options()
    engine.set("/system/commands", {"runOpts": {"value": 0, "options": three()}})
    until(engine, 1)
    assert counted(engine) == [2, 2, 2]


def test_a_function_is_scheduled_for_each_option(calls):
    engine = with_options(options=three()[:2], targfunc="Note", aname="pv", actions=OPTIONS)
    engine.set("/control/a/start", 1)
    until(engine, 1)
    assert [(time, asset, place) for time, asset, place, _ in calls] == [
        *((0, "pv", "/sched/a:x"), (0, "pv", "/sched/a:y"), (1, "pv", "/sched/a:x"), (1, "pv", "/sched/a:y"))
    ]


def test_what_the_target_is_set_to():
    engine = with_options(options=[{"uri": "/sched/a:x", "value": 7}], targav="/control/a:run", actions=OPTIONS)
    engine.set("/control/a/start", 1)
    assert shown(engine, "/control/a:run") == {"value": 7, "uri": "/sched/a:x"}
    engine.set("/control/a/start@targVal", 9)
    engine.set("/control/a/start", 1)
    assert shown(engine, "/control/a:run")["value"] == 9
    engine.set("/control/a", {"number": 11, "start": {"value": 1, "targVar": "/control/a:number"}})
    assert shown(engine, "/control/a:run")["value"] == 11


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ("all", "options: expected a list of at most 1000 objects"),
        ([5], "expected an object, got '5'"),
        ([{"every": 1}], "uri: expected /table:name, got 'None'"),
        ([{"uri": "/sched/a:x", "every": "1"}], "every: expected seconds"),
    ],
)
def test_a_wrong_option_is_named_and_the_others_run(options, text, caplog):
    engine = with_options(options=[*options, *three()] if isinstance(options, list) else options, actions=OPTIONS)
    engine.set("/control/a/start", 1)
    assert text in caplog.text
    if isinstance(options, list):
        until(engine, 1)
        assert counted(engine) == [2, 2, 2]


# -- the original's own schedule ---------------------------------------------------------------------------------------


def test_the_default_schedule_is_started_by_a_configuration_that_asks_for_it():
    items = {"fastPub": {"value": "FastPub", "fcn": "FastPub", "repTime": 0.5, "endTime": 0}}
    init = {"value": "EssSystemInit", "fcn": "EssSystemInit", "runAfter": 0.2, "repTime": 0, "endTime": 0}
    engine = engine_of({"/sched/ess": {"essSystemInit": init, **items}})
    until(engine, 1.1)
    shown_items = engine.reports[("schlist",)]()
    assert {name: item["repTime"] for name, item in shown_items.items()} == {
        "every1000mS": 1,
        "every100mSP1": 0.1,
        "fastPub": 0.5,
        "slowPub": 2,
    }
    assert shown_items["every100mSP1"]["runs"] == 10


def test_every_tenth_of_a_second_the_time_and_the_power_are_looked_after(monkeypatch, calls):
    monkeypatch.setitem(FUNCTIONS, "HandlePowerCmd", FUNCTIONS["Note"])
    monkeypatch.delitem(FUNCTIONS, "UpdateSysTime", raising=False)
    engine = engine_of({"/sched/ess": {"p": {"value": 0, "fcn": "Every100mSP1", "amap": "ess", "repTime": 0.1}}})
    until(engine, 0.25)
    assert when(calls) == [0, 0.1, 0.2]
    at(engine, 0.25)
    assert calls[0][1] == "ess"


def test_an_item_may_be_defined_after_it_was_scheduled():
    engine = engine_of({"/system/commands": {"run": 0}})
    engine.set("/system/commands", {"run": {"value": 0, "uri": "/sched/bms:late", "every": 0.1}})
    until(engine, 0.35)
    assert shown(engine, "/sched/bms:late")["value"] == "late"
    engine.set("/sched/bms", {"late": {"value": 0, "actions": COUNT}})
    until(engine, 0.65)
    late = shown(engine, "/sched/bms:late")
    assert (late["value"], late["triggered"]) == (0.6, 4)
