"""Counting and timing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.polling.statistics import ChannelStatistics, Times


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_times(seconds: list[float]) -> None:
    times = Times()
    for each in seconds:
        times.add(each)
    assert (times.count, times.least_s, times.most_s) == (len(seconds), min(seconds), max(seconds))
    assert times.mean_s == pytest.approx(sum(seconds) / len(seconds))


def test_times_begin_anew_and_counts_go_on() -> None:
    channel = ChannelStatistics()
    channel.answered(0.5, is_read=True)
    channel.answered(0.25, is_read=False)
    channel.failed()
    channel.refused(2)
    channel.refused(2)
    assert (channel.reads.count, channel.writes.count) == (1, 1)
    channel.reset_times()
    assert (channel.requests, channel.failures) == (3, 1)
    assert channel.reads == Times()
    assert channel.reads.mean_s == 0.0
    channel.answered(1.0, is_read=True)
    assert channel.reads.least_s == 1.0
    assert channel.exceptions == {2: 2}
