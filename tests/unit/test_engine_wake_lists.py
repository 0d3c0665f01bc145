"""Lists of variables that functions look at, each entry at its own rate (engine.md 3.3)."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest

from ess_bus.engine.functions.registry import FUNCTIONS, Function
from tests.unit.engine_clock import NOW_S, STEADY_S, at, engine_of, until

LIST = "/schedule/wake_monitor/bms"


@pytest.fixture
def calls(monkeypatch):
    """What the functions Note and Fail were called with, in order: (time, asset, place)."""
    found = []

    def note(call):
        found.append((round(call.engine.uptime_s, 3), call.asset, str(call.place)))

    def fail(call):
        note(call)
        raise TypeError("out of order")

    for name, run in (("Note", note), ("Fail", fail)):
        monkeypatch.setitem(FUNCTIONS, name, Function(name, run, "", takes_invalid=False))
    return found


def listed(*names, **entry):
    return {f"/status/bms:{name}": {"func": "Note", **entry} for name in names}


STATUS = {"/status/bms": {"a": 1, "b": 2, "c": 3}}


def test_each_entry_is_called_at_its_own_rate(calls):
    entries = {**listed("a"), **listed("b", rate=0.25), **listed("c", rate=60)}
    engine = engine_of({**STATUS, LIST: entries})
    until(engine, 0.5)
    assert [(when, place) for when, _, place in calls] == [
        (0.1, "/status/bms:a"),
        (0.2, "/status/bms:a"),
        (0.25, "/status/bms:b"),
        (0.3, "/status/bms:a"),
        (0.4, "/status/bms:a"),
        (0.5, "/status/bms:a"),
        (0.5, "/status/bms:b"),
    ]


def test_the_engine_comes_first_then_managers_then_instances_alphabetically(calls):
    engine = engine_of(
        {
            **STATUS,
            "/assets/bms/rack_1": {"name": "Rack 1"},
            "/assets/pcs/summary": {"name": "PCS"},
            "/schedule/wake_monitor/rack_1": listed("a"),
            "/schedule/wake_monitor/site": listed("c"),
            "/schedule/wake_monitor/pcs": listed("b", rate=0.05),
            LIST: listed("c", "a"),
            "/schedule/wake_monitor/ess": listed("b"),
        }
    )
    until(engine, 0.1)
    assert [(asset, place[-1]) for when, asset, place in calls if when == 0.1] == [
        *(("ess", "b"), ("bms", "a"), ("bms", "c"), ("pcs", "b"), ("site", "c"), ("rack_1", "a"))
    ]


def test_amap_says_for_which_asset(calls):
    engine = engine_of({**STATUS, LIST: listed("a", amap="bms_2")})
    until(engine, 0.1)
    assert calls == [(0.1, "bms_2", "/status/bms:a")]


def test_an_entry_is_switched_by_a_variable(calls):
    engine = engine_of({**STATUS, "/config/bms": {"on": False}, LIST: listed("a", enable="/config/bms:on")})
    until(engine, 0.35)
    engine.set("/config/bms/on", True)
    until(engine, 0.55)
    engine.set("/config/bms/on", None)
    until(engine, 1)
    assert [when for when, *_ in calls] == [0.4, 0.5]


def test_entries_are_added_and_removed_while_it_runs(calls):
    engine = engine_of(STATUS)
    assert engine.due_s() == float("inf")
    engine.set(LIST, listed("b", rate=0.2))
    until(engine, 0.4)
    engine.set(LIST, listed("a", rate=0.2))
    until(engine, 0.6)
    engine.set(LIST, {"/status/bms:b": {"enable": False}})
    until(engine, 0.8)
    engine.set(LIST, {"/status/bms:a": {"rate": 0.3}})
    until(engine, 1.2)
    assert [(when, place[-1]) for when, _, place in calls] == [
        *((0.2, "b"), (0.4, "b"), (0.6, "a"), (0.6, "b"), (0.8, "a"), (0.9, "a"), (1.2, "a"))
    ]
    engine.set(LIST, {"/status/bms:a": {"enable": False}})
    assert engine.due_s() == float("inf")


def test_what_is_not_valid_is_not_handed_to_a_function_that_does_not_ask_for_it(calls):
    engine = engine_of({"/status/bms": {"a": None, "b": 1}, LIST: listed("a", "b")})
    until(engine, 0.1)
    assert [place for *_, place in calls] == ["/status/bms:b"]


def test_what_the_calculator_does_and_what_is_switched_off_costs_nothing():
    engine = engine_of({**STATUS, LIST: {**listed("a", func="CalculateVar"), **listed("b", enable=False)}})
    assert engine.due_s() == float("inf")
    assert until(engine, 3600) == 0


def test_one_entry_that_fails_does_not_stop_the_others_and_is_named_once(calls, caplog):
    engine = engine_of({**STATUS, LIST: {**listed("a", func="Fail"), **listed("b")}})
    until(engine, 1)
    assert [place[-1] for *_, place in calls] == ["a", "b"] * 10
    assert caplog.text.count("/status/bms:a: Fail failed: TypeError: out of order") == 1
    assert "Traceback" not in caplog.text
    (event,) = engine.take_messages()
    assert (event.method, event.uri) == ("post", "/events")
    assert event.body == {
        "source": "/status/bms:a",
        "message": "Fail failed: TypeError: out of order",
        "severity": 4,
    }
    assert engine.reports[("_timings",)]()["failures"] == 10


def test_what_is_wrong_with_an_entry_of_the_calculator_is_said_by_the_calculator(calls, caplog):
    engine = engine_of({**STATUS, LIST: {**listed("a", func="CalculateVar", rate=0), **listed("b")}})
    until(engine, 0.1)
    assert [place[-1] for *_, place in calls] == ["b"]
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (listed("a", func="Nothing"), "/status/bms:a: the function Nothing is not known; its entries are left out"),
        (listed("nothing"), "/status/bms:nothing of the list of bms is not there"),
        ({"nothing": {"func": "Note"}}, "nothing: 'nothing' is not a variable; expected /table:name; left out"),
        ({"/status/bms:a": {"enable": True}}, "expected func with the name of a function; left out"),
        (listed("a", rate="fast"), "rate: expected seconds, 0.01 at least, got 'fast'; left out"),
        (listed("a", rate=0), "rate: expected seconds, 0.01 at least, got '0'; left out"),
        (listed("a", amap=3), "amap: expected the name of an asset; left out"),
        (listed("a", enable="nowhere"), "'nowhere' is not a variable; expected /table:name; left out"),
        (listed("a", enable=[1]), "enable: expected true, false or /table:name; left out"),
    ],
)
def test_a_wrong_entry_is_named_once_and_the_others_run(calls, caplog, entry, text):
    engine = engine_of({**STATUS, LIST: {**entry, **listed("c")}})
    until(engine, 1)
    assert caplog.text.count(text) == 1
    assert [place[-1] for *_, place in calls] == ["c"] * 10


def test_a_variable_that_comes_later_is_found(calls):
    engine = engine_of({LIST: listed("a")})
    until(engine, 0.15)
    engine.set("/status/bms", {"a": 1})
    until(engine, 0.2)
    assert calls == [(0.2, "bms", "/status/bms:a")]


def test_what_comes_too_late_is_left_out_and_counted(calls):
    engine = engine_of({**STATUS, LIST: listed("a")})
    until(engine, 0.1)
    at(engine, 0.57)
    engine.tick()
    engine.tick()
    until(engine, 0.7)
    assert [when for when, *_ in calls] == [0.1, 0.57, 0.6, 0.7]
    assert engine.reports[("_timings",)]()["skipped"] == 3


def test_the_wall_clock_does_not_matter(calls):
    engine = engine_of({**STATUS, LIST: listed("a")})
    until(engine, 0.15)
    engine.advance(NOW_S - 86_400, STEADY_S + 0.2)
    engine.tick()
    assert len(calls) == 2


def test_an_hour_of_a_small_list_takes_no_time(calls):
    engine = engine_of({**STATUS, LIST: listed("a", "b", "c")})
    assert until(engine, 3600) == 36_000
    assert len(calls) == 3 * 36_000
    assert engine.reports[("_timings",)]()["skipped"] == 0


def test_the_figures_say_what_is_slow(calls):
    engine = engine_of({**STATUS, LIST: listed("a", "b")})
    clock = iter(range(1000))
    engine.stopwatch = lambda: next(clock) / 8192  # exact sums; all of the list within its turn
    until(engine, 0.5)
    found = engine.reports[("_timings",)]()
    assert found["functions"] == {
        "Note": {"calls": 10, "total_ms": 1.2207, "mean_ms": 0.1221, "max_ms": 0.1221, "slowest": "/status/bms:b"}
    }
    assert found["lists"] == {"0.1": 2}
    assert found["ticks"] == 5
    engine.timings.reset()
    assert engine.reports[("_timings",)]()["functions"] == {}


# -- run by a command --------------------------------------------------------------------------------------------------


def run_list(engine, **body):
    engine.set("/system/commands", {"runMon": {"value": 0, **body}})


FAST = "/schedule/fast"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"mname": "fast"}, ["b", "a", "c", "a"]),
        ({"mname": "fast", "runChild": False}, ["b"]),
        ({"mname": "fast", "amname": "bms"}, ["a", "c", "a"]),
        ({"mname": "fast", "aname": "bms", "runChild": False}, ["a", "c"]),
        ({"mname": "fast", "amname": "rack_1"}, ["a"]),
    ],
)
def test_a_list_is_run_now_with_those_below_it(calls, body, expected):
    lists = {f"{FAST}/bms": listed("c", "a"), f"{FAST}/rack_1": listed("a"), f"{FAST}/ess": listed("b")}
    engine = engine_of({**STATUS, "/assets/bms/rack_1": {"name": "Rack"}, **lists})
    assert engine.due_s() == float("inf")
    run_list(engine, **body)
    assert [place[-1] for *_, place in calls] == expected


def test_a_list_that_is_not_there_is_named(caplog):
    run_list(engine_of(), mname="none")
    assert "there is no list /schedule/none/ess" in caplog.text


def test_a_list_that_runs_by_itself_does_not_run_twice_as_often_when_it_is_also_scheduled(calls):
    engine = engine_of({**STATUS, LIST: listed("a")})
    run_list(engine)
    engine.set("/system/commands", {"run": {"value": 0, "uri": "/system/commands:runMon", "every": 0.1}})
    until(engine, 10)
    assert 95 <= len(calls) <= 105


def test_a_long_list_leaves_messages_their_turn(calls):
    names = [f"x{number:03}" for number in range(100)]
    engine = engine_of({"/status/bms": dict.fromkeys(names, 1), LIST: listed(*names)})
    passed = count()
    engine.stopwatch = lambda: next(passed) * 0.0004
    at(engine, 0.1)
    turns = 0
    while engine.due_s() <= engine.steady_s:
        engine.tick()
        turns += 1
    assert turns > 10
    assert [place for _, _, place in calls] == [f"/status/bms:{name}" for name in names]


def test_a_list_that_is_too_long_for_its_rate_is_called_as_often_as_can_be_and_that_is_counted(calls):
    names = [f"x{number}" for number in range(10)]
    engine = engine_of({"/status/bms": dict.fromkeys(names, 1), LIST: listed(*names)})
    passed = count()
    engine.stopwatch = lambda: next(passed) * 0.001
    for turn in range(60):
        at(engine, 0.1 + turn * 0.05)
        engine.tick()
    counts = Counter(place for _, _, place in calls).values()
    assert len(counts) == len(names)
    assert max(counts) - min(counts) <= 1
    assert engine.timings.shown()["skipped"] > 0


def test_an_entry_that_is_switched_off_while_it_waits_is_not_called(calls):
    engine = engine_of({"/status/bms": {"a": 1, "b": 2}, LIST: listed("a", "b")})
    passed = count()
    engine.stopwatch = lambda: next(passed) * 0.01
    at(engine, 0.1)
    engine.tick()
    engine.set(LIST, {"/status/bms:b": {"enable": False}})
    engine.tick()
    assert [place for _, _, place in calls] == ["/status/bms:a"]
