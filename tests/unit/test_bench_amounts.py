"""What a benchmark sends, when, and how it is summed up."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.bench import payload
from tools.bench.pacing import Schedule
from tools.bench.quantiles import median, percentile
from tools.bench.scale import Scale


def test_the_median_is_in_the_middle():
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5


def test_there_is_no_median_of_nothing():
    with pytest.raises(ValueError, match="no values"):
        median([])


@given(st.lists(st.integers(), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values, percent):
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert sum(value <= found for value in ordered) * 100 >= percent * len(ordered)
    assert sum(value < found for value in ordered) * 100 < percent * len(ordered)


@pytest.mark.parametrize("percent", [0, 100.1])
def test_there_is_no_such_percentile(percent):
    with pytest.raises(ValueError, match="percentile"):
        percentile([1], percent)


@pytest.mark.parametrize("size", [payload.SMALL, payload.LARGE])
def test_bodies_have_exactly_their_size(size):
    assert len(payload.stamped(1 << 62, 1 << 40, size)) == size
    assert len(payload.json_body(size)) == size
    assert json.loads(payload.json_body(size))["point_000"] == 50.5


def test_a_stamp_can_be_read():
    body = payload.stamped(123_456_789_012, 42, payload.SMALL)
    assert (payload.moment_ns(body), payload.number(body)) == (123_456_789_012, 42)


def test_what_is_not_counted_is_shorter_than_what_is():
    assert max(len(payload.PROBE), len(payload.END)) + len("1000") < payload.SMALL


def test_messages_are_due_at_the_offered_rate():
    schedule = Schedule(rate=5000, count=10)
    assert [schedule.due_ns(number) for number in (0, 1, 5000)] == [0, 200_000, 1_000_000_000]


def test_uris_take_turns_and_some_fall_silent():
    schedule = Schedule(rate=1, count=13, uris=4, quiet=2, quiet_from=9)
    assert [schedule.uri(number) for number in range(13)] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 0, 1, 0]


@given(st.integers(1, 9), st.integers(0, 60), st.integers(0, 60), st.data())
def test_the_newest_is_the_last_that_was_sent(uris, count, quiet_from, data):
    schedule = Schedule(1, count, uris, data.draw(st.integers(0, uris - 1)), quiet_from)
    sent = [(schedule.uri(number), number) for number in range(count)]
    assert schedule.newest() == [dict(sent).get(index, -1) for index in range(uris)]


def test_a_quick_run_does_a_twentieth():
    assert Scale().count(300_000) == 300_000
    assert Scale(quick=True).count(300_000) == 15_000
    assert (Scale().seconds(30), Scale(quick=True).seconds(30)) == (30, 1.5)
