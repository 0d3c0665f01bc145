"""The delays between restarts."""

import itertools
from collections.abc import Iterator

from tools.ess_site.backoff import LONGEST_ONCE_UP_S, LONGEST_S, SETTLED_S, Backoff


def delays(lives_s: list[float], *, was_up: bool = False) -> Iterator[float]:
    """Return the delay after each life; time runs through lives and delays."""
    backoff, now = Backoff(), 1000.0
    for life in lives_s:
        backoff.started(now)
        now += life
        delay = backoff.ended(now, was_up=was_up)
        yield delay
        now += delay


def test_the_first_restart_is_immediate():
    assert [*delays([0.1])] == [0]


def test_the_delay_doubles_up_to_a_limit():
    assert [*delays([0.1] * 10)] == [0, 0.5, 1, 2, 4, 8, 16, LONGEST_S, LONGEST_S, LONGEST_S]


def test_a_process_that_was_up_is_wanted_back_soon_however_often_it_is_killed():
    assert [*delays([1.0] * 6, was_up=True)] == [0, 0.5, *[LONGEST_ONCE_UP_S] * 4]


def test_a_long_life_starts_over():
    assert [*delays([0.1, 0.1, 0.1, SETTLED_S, 0.1])] == [0, 0.5, 1, 0, 0.5]


def test_almost_a_long_life_does_not():
    assert [*delays([0.1, 0.1, SETTLED_S - 0.01])] == [0, 0.5, 1]


def test_a_process_that_dies_at_once_for_an_hour_is_started_about_every_longest_delay():
    elapsed = itertools.accumulate(delays([0.0] * 200))
    assert sum(1 for now in elapsed if now < 3600) <= 3600 / LONGEST_S + 8
