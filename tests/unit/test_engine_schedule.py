"""Scheduled items: when they run, how they are started, changed and stopped (engine.md 3.1, 3.2)."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.schedule.grid import Grid
from tests.unit.engine_clock import at, engine_of, shown, until

COUNT = {"onSet": [{"func": [{"func": "TestTriggerFunc"}]}]}
ITEM = "/sched/bms:x"


def counting(**parameters):
    return {"value": 0, "actions": COUNT, "$$action": False, **parameters}


def engine_with(*names):
    return engine_of({"/sched/bms": {name: counting() for name in names or ("x",)}})


def command(engine, name, **body):
    engine.set("/system/commands", {name: {"value": 0, **body}})


def run(engine, uri=ITEM, **plan):
    command(engine, "run", uri=uri, **plan)


def runs(engine, path=ITEM):
    return shown(engine, path).get("triggered", 0)


def times(engine, end_s, path=ITEM):
    """Return when an item runs up to a time."""
    found = []
    while (due_s := engine.due_s()) <= 5000 + end_s:
        before = runs(engine, path)
        at(engine, due_s - 5000)
        engine.tick()
        if runs(engine, path) > before:
            found.append(round(engine.uptime_s, 3))
    return found


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"every": 1}, [0.25, 1.25, 2.25, 3.25]),
        ({"every": 1, "offset": 0}, [0.25, 1.25, 2.25, 3.25]),
        ({"every": 1, "offset": 0.5}, [0.5, 1.5, 2.5, 3.5]),
        ({"every": 1, "offset": 2.1}, [1.1, 2.1, 3.1]),
        ({"every": 1, "after": 2}, [2.25, 3.25]),
        ({"every": 1, "in": 2}, [2.25, 3.25]),
        ({"every": 1, "after": 2, "offset": 0.5}, [2.5, 3.5]),
        ({"every": 1, "for": 2}, [0.25, 1.25]),
        ({"every": 0.5, "after": 1, "for": 1}, [1.25, 1.75]),
        ({"after": 1.5}, [1.75]),
        ({}, [0.25]),
        ({"every": 0}, [0.25]),
    ],
)
def test_when_an_item_runs(plan, expected):
    engine = engine_with()
    at(engine, 0.25)
    run(engine, **plan)
    assert times(engine, 4) == expected


def test_an_item_that_has_come_to_its_end_says_so_at_that_time_and_is_not_looked_at_again():
    engine = engine_with()
    run(engine, every=1, **{"for": 2.5})
    until(engine, 2.4)
    assert shown(engine, ITEM)["active"] is True
    until(engine, 2.5)
    assert shown(engine, ITEM)["active"] is False
    assert shown(engine, ITEM)["runEnd"] == 2.5
    assert engine.due_s() == float("inf")


def test_the_parameters_of_an_item_show_what_it_does():
    engine = engine_with()
    run(engine, every=0.5, **{"for": 10})
    until(engine, 1.2)
    assert shown(engine, ITEM) == {
        "value": 1,
        "repTime": 0.5,
        "endTime": 10,
        "runCnt": 3,
        "active": True,
        "runTime": 1.5,
        "triggered": 3,
    }
    assert engine.reports[("schlist",)]() == {"x": {"runTime": 1.5, "repTime": 0.5, "runs": 3, "uri": ITEM, "func": ""}}


def test_a_command_is_used_up():
    engine = engine_with("x", "y")
    run(engine, every=0.5, after=1)
    assert shown(engine, "/system/commands:run") == {"value": 0, "uri": "none", "every": 0, "after": 0}
    command(engine, "run")
    run(engine, uri="/sched/bms:y")
    until(engine, 2)
    assert runs(engine, "/sched/bms:y") == 1


def test_a_target_that_is_not_there_is_made_with_its_name():
    engine = engine_of()
    run(engine, uri="/sched/bms:new", every=1)
    until(engine, 2)
    assert shown(engine, "/sched/bms:new")["value"] == "new"
    assert shown(engine, "/sched/bms:new")["runCnt"] == 3


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"uri": "nowhere"}, "uri: expected /table:name, got 'nowhere'"),
        ({"uri": 5}, "uri: expected /table:name, got '5'"),
        ({"uri": "/sched/bms:x@value1"}, "expected a variable, not a part of one"),
        ({"uri": ITEM, "every": -1}, "every: expected seconds, 0.001 at least, got '-1'"),
        ({"uri": ITEM, "every": 1e-9}, "every: expected seconds, 0.001 at least"),
        ({"uri": ITEM, "every": "1"}, "every: expected seconds"),
        ({"uri": ITEM, "every": True}, "every: expected seconds"),
        ({"uri": ITEM, "after": -1}, "after: expected seconds"),
        ({"uri": ITEM, "for": []}, "for: expected seconds"),
        ({"uri": "/sched:x"}, "uri"),
        ({"uri": "/sched/bms/x:y"}, "/sched/bms/x is a variable, not a table"),
    ],
)
def test_a_wrong_command_is_named_and_nothing_is_scheduled(body, text, caplog):
    engine = engine_with()
    command(engine, "run", **body)
    if text != "uri":
        assert text in caplog.text
        assert engine.due_s() == float("inf")
        assert shown(engine, "/system/commands:run")["uri"] == "none"


def test_a_late_run_is_left_out_and_counted_and_the_times_do_not_drift():
    engine = engine_with()
    run(engine, every=0.1)
    until(engine, 1)
    at(engine, 1.537)
    engine.tick()
    assert runs(engine) == 12
    assert shown(engine, ITEM)["skipped"] == 4
    assert times(engine, 1.9) == [1.6, 1.7, 1.8, 1.9]
    timings = engine.reports[("_timings",)]()
    assert (timings["late"], timings["skipped"]) == (1, 4)
    assert timings["lateness_ms"]["max"] == pytest.approx(437)


def test_ten_thousand_runs_do_not_drift():
    engine = engine_with()
    run(engine, every=0.1)
    until(engine, 1000)
    assert runs(engine) == 10001


def test_a_switch_that_is_off_skips_runs_and_keeps_the_times():
    engine = engine_with()
    run(engine, every=1)
    until(engine, 1.5)
    engine.set("/sched/bms/x@enabled", False)
    assert until(engine, 4.7) == 0
    engine.set("/sched/bms/x@enabled", True)
    assert times(engine, 6) == [5, 6]


def test_a_switch_elsewhere_is_asked_at_each_run():
    engine = engine_of({"/sched/bms": {"x": counting(enable="/config/bms:on")}, "/config/bms": {"on": False}})
    run(engine, every=1)
    until(engine, 1.5)
    assert runs(engine) == 0
    engine.set("/config/bms/on", True)
    assert times(engine, 3.5) == [2, 3]
    assert shown(engine, ITEM)["runCnt"] == 2


def test_what_is_changed_while_it_runs_counts_from_the_next_run():
    engine = engine_with()
    run(engine, every=1)
    until(engine, 2.2)
    engine.set("/sched/bms/x@repTime", 0.5)
    assert times(engine, 4) == [2.5, 3, 3.5, 4]
    engine.set("/sched/bms", {"x": {"value": "$$", "repTime": 2}})
    assert times(engine, 8) == [6, 8]
    engine.set("/sched/bms/x@endTime", 10)
    assert times(engine, 20) == []
    assert shown(engine, ITEM)["active"] is False


def test_the_next_run_can_be_put_off_and_an_item_ended_and_begun_again():
    engine = engine_with()
    run(engine, every=1)
    until(engine, 0.5)
    engine.set("/sched/bms/x@runTime", 3.3)
    assert times(engine, 5) == [3.3, 4.3]
    engine.set("/sched/bms/x@active", False)
    assert times(engine, 8) == []
    at(engine, 8.5)
    engine.set("/sched/bms/x@active", True)
    assert times(engine, 10.6) == [8.5, 9.5, 10.5]


@pytest.mark.parametrize("value", [-1, "fast", 1e-9, None])
def test_a_period_that_cannot_be_is_named_and_the_old_one_stays(value, caplog):
    engine = engine_with()
    run(engine, every=1)
    engine.set("/sched/bms/x@repTime", value)
    assert "repTime: expected seconds" in caplog.text
    assert shown(engine, ITEM)["repTime"] == 1
    assert times(engine, 2) == [0, 1, 2]


@pytest.mark.parametrize("end", [None, "later", True])
def test_an_end_that_is_not_valid_ends_an_item_and_keeps_it_from_beginning(end):
    engine = engine_with()
    run(engine, every=1)
    until(engine, 1)
    engine.set("/sched/bms/x@endTime", end)
    assert times(engine, 5) == []
    assert shown(engine, ITEM)["active"] is False
    engine.set("/sched/bms", {"y": {"value": "y", "fcn": "LogInfo", "repTime": 1, "endTime": end}})
    assert engine.due_s() == float("inf")


@given(
    every=st.sampled_from([0.1, 0.25, 1.0, 7.0]),
    offset=st.sampled_from([0, 0.05, 0.3]),
    steps=st.lists(st.floats(0.001, 20), max_size=30),
)
def test_whenever_somebody_looks_each_point_is_run_once_or_left_out(every, offset, steps):
    engine = engine_with()
    run(engine, every=every, offset=offset)
    now_s = 0.0
    for step in steps:
        now_s += step
        at(engine, now_s)
        before = runs(engine)
        engine.tick()
        engine.tick()
        assert runs(engine) <= before + 1
        assert engine.due_s() > 5000 + now_s
    # The points that have come by now: from the start, or from where the offset says.
    begin_s = offset % every if offset else 0.0
    points = math.floor((now_s - begin_s) / every + 1e-6) + 1 if steps and now_s >= begin_s - 1e-6 else 0
    assert runs(engine) + shown(engine, ITEM).get("skipped", 0) == points


def test_stop_ends_an_item_now_or_later():
    engine = engine_with()
    run(engine, every=1)
    until(engine, 1.5)
    command(engine, "stop", uri=ITEM, **{"in": 2})
    assert times(engine, 10) == [2, 3]
    run(engine, every=1)
    command(engine, "stop", uri=ITEM)
    assert engine.due_s() == float("inf")
    assert shown(engine, "/system/commands:stop")["uri"] == "none"


def test_to_stop_what_does_not_run_is_named(caplog):
    engine = engine_with()
    command(engine, "stop", uri=ITEM)
    assert "/sched/bms:x is not scheduled" in caplog.text


def test_what_is_due_together_runs_by_priority_and_then_by_name():
    log = {"onSet": [{"func": [{"func": "LogInfo"}]}]}
    engine = engine_of({"/sched/a": {name: {"value": "", "actions": log} for name in ("b", "a", "c")}})
    engine.set("/sched/a", {"c": {"value": "$$", "refTime": 0.1}, "b": {"value": "$$", "refTime": 0.2}})
    engine.set("/sched/a", {"a": {"value": "$$", "refTime": 0.2}})
    for name in ("a", "b", "c"):
        run(engine, uri=f"/sched/a:{name}", every=1)
    order = []
    real = engine.invoke

    def noted(name, asset, place, *rest):
        order.append(place.name)
        real(name, asset, place, *rest)

    engine.invoke = noted
    until(engine, 1)
    assert order == ["c", "a", "b"] * 2


def test_more_than_128_nested_actions_switch_an_item_off_and_it_says_why(caplog):
    links = {
        f"v{number}": {"value": 0, "actions": {"onSet": [{"remap": [{"uri": f"/chain/a:v{number + 1}"}]}]}}
        for number in range(200)
    }
    start = {"value": 0, "actions": {"onSet": [{"remap": [{"uri": "/chain/a:v0"}]}]}}
    engine = engine_of({"/chain/a": links, "/sched/bms": {"x": start}})
    engine.set("/sched/bms", {"x": {"value": "$$", "response": ""}})
    engine.take_overrun()
    run(engine, every=1)
    until(engine, 3)
    assert shown(engine, ITEM)["enabled"] is False
    assert "128 actions deep" in shown(engine, ITEM)["response"]
    assert shown(engine, ITEM)["runCnt"] == 1
    assert engine.due_s() == float("inf")
    assert "is not scheduled any more" in caplog.text


def test_a_locked_item_keeps_its_value_and_is_named(caplog):
    engine = engine_of({"/sched/bms": {"x": counting(lock=True), "y": counting()}})
    run(engine, every=1)
    run(engine, uri="/sched/bms:y", every=1)
    until(engine, 2)
    assert (runs(engine), runs(engine, "/sched/bms:y")) == (0, 3)
    assert "/sched/bms:x: scheduled: /sched/bms:x: it is locked" in caplog.text


def test_a_thousand_items_cost_no_more_than_they_do_and_there_is_a_limit(caplog):
    engine = engine_of()
    for number in range(2100):
        engine.set("/system/commands", {"run": {"value": 0, "uri": f"/sched/a:x{number}", "every": 60, "after": 1}})
    assert len(engine.reports[("schlist",)]()) == 2000
    assert "more than 2000 scheduled items" in caplog.text


@pytest.mark.parametrize(("now_s", "next_s", "skipped"), [(1.0, 1.1, 0), (1.04, 1.1, 0), (1.1, 1.2, 1), (1.35, 1.4, 3)])
def test_a_grid_goes_on_to_the_first_point_that_is_to_come(now_s, next_s, skipped):
    grid = Grid(0.5, 0.1, 5)
    assert grid.step(now_s) == skipped
    assert grid.next_s == pytest.approx(next_s)
