"""Large sets: what is due happens meanwhile, and nobody sees a part of what was sent."""

from __future__ import annotations

import pytest

from ess_bus.engine.engine import Engine
from ess_bus.engine.views import get
from tests.unit.engine_desk import desk

MANY = 2000
NEW = {f"v{number}": number for number in range(MANY)}
TO = {"onSet": [{"remap": [{"uri": "/status/a:v7"}]}]}


@pytest.fixture
def engine():
    engine = Engine()
    engine.advance(0)
    engine.set("/status/a", {"old": 0})
    return engine


def looking(engine, look):
    """Let an engine have something due in each pause: it notes what can be seen then."""
    seen = []

    def pause():
        seen.append(look())
        return True

    engine.pause = pause
    return seen


def test_new_variables_are_seen_together_or_not_at_all(engine):
    seen = looking(engine, lambda: len(engine.datamap.tables["/status/a"]))
    engine.set("/status/a", NEW)
    assert len(seen) > MANY / 100
    assert set(seen) == {1}
    (values,) = engine.take_publications().values.values()
    assert values == {**NEW, "old": 0}


def test_what_was_there_changes_without_a_pause(engine):
    engine.set("/status/a", NEW)
    seen = looking(engine, lambda: [one.value for one in engine.datamap.tables["/status/a"].values()])
    engine.set("/status/a", {name: value + 1 for name, value in NEW.items()} | {"new": 1})
    assert len(seen) > MANY / 100
    assert all(values == [0, *NEW.values()] for values in seen)


def test_actions_of_new_variables_follow_when_all_of_them_are_there(engine):
    actions = {"onSet": [{"remap": [{"uri": "/status/sum:last"}]}]}
    seen = looking(engine, lambda: (len(engine.datamap.tables["/status/a"]), engine.find("/status/sum", "last")))
    engine.set("/status/a", {name: {"value": value, "actions": actions} for name, value in NEW.items()})
    assert {count for count, _ in seen} == {1, MANY + 1}
    assert all(count == MANY + 1 for count, last in seen if last is not None)
    last = engine.find("/status/sum", "last")
    assert last is not None
    assert last.value == MANY - 1


def test_what_happens_in_a_pause_is_no_failure_of_the_set_and_no_part_of_it_is_lost(engine):
    def pause():
        engine.fail("x", "something else failed")
        # Somebody makes one of the variables meanwhile, with another value.
        if engine.find("/status/a", "v7") is None:
            engine.report("/status/a/v7", 5.5)
        return True

    engine.pause = pause
    assert engine.set("/status/a", NEW) == []
    assert {name: get(engine.datamap, f"/status/a/{name}") for name in NEW} == NEW


def test_a_pause_that_makes_the_set_impossible_refuses_it_wholly(engine):
    def pause():
        if engine.find("/status/a", f"v{MANY - 1}") is None:
            engine.report("/status/a", {f"v{MANY - 1}": "text"})
        return True

    engine.pause = pause
    with pytest.raises(ValueError, match=f"v{MANY - 1}: expected a text, got {MANY - 1}"):
        engine.set("/status/a", NEW)
    assert set(engine.datamap.tables["/status/a"]) == {"old", f"v{MANY - 1}"}


def test_a_lock_that_comes_meanwhile_holds(engine):
    def pause():
        engine.datamap.tables["/status/a"]["old"].parameters["lock"] = True
        return True

    engine.pause = pause
    with pytest.raises(ValueError, match="old: it is locked"):
        engine.set("/status/a", {**NEW, "old": 1})
    assert set(engine.datamap.tables["/status/a"]) == {"old"}


def test_a_variable_that_is_named_twice_has_its_last_value(engine):
    engine.set("/status", {"b": {"x": 1, "y": 2}, "/status/b": {"x": 3, "z": 4}})
    assert {name: one.value for name, one in engine.datamap.tables["/status/b"].items()} == {"x": 3, "y": 2, "z": 4}


def test_an_action_that_comes_before_does_not_have_the_last_word(engine):
    engine.set("/status/a", {"v1": {"value": 1, "actions": TO}, "v7": 7, "v8": 8})
    assert get(engine.datamap, "/status/a/v7") == 7


def test_what_is_published_is_the_newest_also_if_it_changes_while_it_is_gathered(engine):
    engine.set("/status/a", NEW)
    changed: list[bool] = []

    def pause():
        if not changed:
            changed.append(True)
            engine.set("/status/a/v1", -1)
        return True

    first = engine.take_publications(pause=pause).values["/status/a"]
    second = engine.take_publications().values.get("/status/a", {})
    assert {**first, **second} == {**NEW, "v1": -1, "old": 0}
    assert second == {"v1": -1}


def test_scheduled_items_run_while_a_large_set_is_carried_out():
    with desk() as person:
        person.say("set", "/ess/sched/x", {"beat": {"value": 0}})
        person.say("set", "/ess/system/commands", {"run": {"value": 0, "uri": "/sched/x:beat", "every": 0.001}})
        before = get(person.engine.datamap, "/sched/x/beat@runCnt")
        made = person.engine.datamap.made
        person.say("set", "/ess/status/a", {f"v{number}": {"value": number, "unit": "V"} for number in range(5000)})
        assert person.engine.datamap.made - made == 5000
        # Of one turn alone, in which an engine that does not pause runs it once.
        assert get(person.engine.datamap, "/sched/x/beat@runCnt") - before > 5


@pytest.mark.parametrize("body", ["x" * 15_000_000, {"value": "x" * 2_000_000}])
def test_a_text_that_is_too_long_is_refused(engine, body):
    with pytest.raises(ValueError, match=r"a text of \d+ characters; expected 1048576 at most"):
        engine.set("/status/a", {"s": body})
