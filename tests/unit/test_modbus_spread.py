"""Counting and timing on the way to a device."""

from __future__ import annotations

import random

import pytest

from modbus_bridge.polling.spread import Spread
from modbus_bridge.polling.statistics import ChannelStatistics


class TestSpread:
    def test_nothing_yet(self) -> None:
        spread = Spread()
        assert spread.quantiles_ms() == {"p50": 0.0, "p99": 0.0, "max": 0.0, "count": 0}
        assert spread.extremes_ms() == {"Max": 0.0, "Min": 0.0, "Avg": 0.0, "Count": 0}

    def test_quantiles_are_at_most_a_tenth_too_large(self) -> None:
        spread, generator = Spread(), random.Random(1)
        durations = sorted(generator.lognormvariate(-6, 2) for _ in range(5000))
        for duration in durations:
            spread.record(duration)
        for share in (0.01, 0.5, 0.9, 0.99, 1.0):
            exact = durations[max(0, int(share * 5000) - 1)]
            assert exact <= spread.quantile(share) <= 1.11 * exact
        assert spread.max_s == durations[-1]
        assert spread.min_s == durations[0]

    @pytest.mark.parametrize(("duration", "expected"), [(-1.0, 0.0), (0.0, 0.0), (1e-9, 1e-9), (5000.0, 5000.0)])
    def test_the_ends_of_the_scale(self, duration: float, expected: float) -> None:
        spread = Spread()
        spread.record(duration)
        assert spread.quantile(0.5) == expected
        assert spread.quantile(1.0) == expected

    def test_reset(self) -> None:
        spread = Spread()
        spread.record(1.0)
        spread.reset()
        spread.record(0.002)
        assert spread.extremes_ms() == {"Max": 2.0, "Min": 2.0, "Avg": 2.0, "Count": 1}


def test_a_channel_counts_what_becomes_of_requests() -> None:
    channel = ChannelStatistics()
    channel.answered(0.5, is_read=True)
    channel.answered(0.25, is_read=False)
    channel.failed()
    channel.refused(2)
    channel.refused(2)
    assert (channel.requests, channel.failures, channel.exceptions) == (3, 1, {2: 2})
    assert (channel.reads.max_s, channel.writes.max_s) == (0.5, 0.25)
    assert (channel.reads.count, channel.writes.count, channel.connect_times.count) == (1, 1, 0)
