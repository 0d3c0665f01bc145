"""Counting what arrives at a subscriber of a benchmark."""

import pytest

from tools.bench import payload
from tools.bench.roles.receiving import Arrivals, Delays, Enough


class Parent:
    def __init__(self):
        self.said = []

    def say(self, event):
        self.said.append(event)


def arrivals(kind=Arrivals, publishers=1):
    parent = Parent()
    return kind({"size": payload.SMALL, "publishers": publishers}, parent), parent


BODY = payload.stamped(0, 0, payload.SMALL)


def test_messages_are_counted_and_probes_are_not():
    counting, _ = arrivals()
    for body in (payload.PROBE + b"0", BODY, payload.PROBE + b"0", BODY):
        counting.take("/x", body)
    assert counting.result()["count"] == 2


def test_the_paths_are_open_when_every_publisher_was_heard():
    counting, parent = arrivals(publishers=2)
    for publisher in (b"0", b"0"):
        counting.take("/x", payload.PROBE + publisher)
    assert parent.said == []
    for publisher in (b"1", b"1"):
        counting.take("/x", payload.PROBE + publisher)
    assert parent.said == ["open"]


def test_it_ends_when_every_publisher_has_ended():
    counting, _ = arrivals(publishers=2)
    counting.take("/x", payload.END + b"1")
    counting.take("/x", payload.END + b"1")
    counting.take("/x", BODY)
    with pytest.raises(Enough):
        counting.take("/x", payload.END + b"0")
    assert counting.result()["count"] == 1


def test_should_time_run_out_the_parent_learns_what_has_arrived():
    counting, parent = arrivals()
    counting.take("/x", BODY)
    assert parent.counted()["count"] == 1


def test_delays_count_from_the_moment_a_message_was_due(monkeypatch):
    timing, _ = arrivals(Delays)
    monkeypatch.setattr("time.monotonic_ns", lambda: 1_000_000)
    for due_ns in (990_000, 960_000, 0):
        timing.take("/x", payload.stamped(due_ns, 0, payload.SMALL))
    assert {key: timing.result()[key] for key in ("count", "p50", "p99")} == {"count": 3, "p50": 40, "p99": 1000}


def test_without_a_message_there_is_no_delay():
    timing, _ = arrivals(Delays)
    assert "p50" not in timing.result()
