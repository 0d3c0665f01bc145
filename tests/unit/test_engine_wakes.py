"""Wakes: what is looked at again at a certain time."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from ess_bus.engine.engine import Engine
from ess_bus.engine.timing import NEVER


def test_a_later_wish_of_the_same_key_counts_and_never_ends_it():
    engine, called = Engine(), []
    engine.wakes.at("a", 5, lambda: called.append("first"))
    engine.wakes.at("a", 7, lambda: called.append("second"))
    engine.wakes.at("b", 6, lambda: called.append("b"))
    assert engine.due_s() == 6
    engine.advance(6)
    engine.tick()
    assert (called, engine.due_s()) == (["b"], 7)
    engine.wakes.at("a", NEVER, lambda: called.append("never"))
    assert engine.due_s() == NEVER


def test_what_wakes_itself_again_at_once_does_not_hold_up_the_rest_for_ever():
    engine, called = Engine(), []

    def again():
        called.append(1)
        engine.wakes.at("a", 0, again)

    engine.wakes.at("a", 0, again)
    engine.tick()
    assert called
    assert engine.due_s() == 0


@given(st.lists(st.tuples(st.integers(0, 3), st.one_of(st.integers(0, 20), st.just(NEVER))), max_size=40))
def test_each_key_is_called_once_at_the_last_time_that_it_wanted(wishes):
    engine, called, last = Engine(), [], {}

    def note(key):
        called.append((engine.steady_s, key))

    for key, time_s in wishes:
        engine.wakes.at(key, time_s, partial(note, key))
        last[key] = time_s
    while (due_s := engine.due_s()) != NEVER:
        engine.advance(due_s)
        engine.tick()
    assert sorted(called) == sorted((time_s, key) for key, time_s in last.items() if time_s != NEVER)
