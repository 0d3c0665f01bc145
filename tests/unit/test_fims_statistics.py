"""The table of `fims_listen --stats`."""

import pytest

from tools.fims import statistics
from tools.fims.statistics import Statistics


@pytest.fixture
def counted():
    found = Statistics(100.0)
    for number in range(11):
        found.add("/fast", 20, 100.0 + number / 10)
    found.add("/components/once", 1000, 100.5)
    return found


def test_count_rate_bytes_and_age_of_each_uri(counted):
    assert counted.lines(103.0, lost=0) == [
        "URI               COUNT  RATE/S  BYTES  AGE S",
        "/components/once      1       -   1000    2.5",
        "/fast                11    10.0    220    2.0",
        "12 messages on 2 URIs in 3.0 s, none lost",
    ]


def test_what_the_listener_lost_is_told(counted):
    assert counted.lines(103.0, lost=7)[-1] == ("12 messages on 2 URIs in 3.0 s, 7 LOST: this listener did not keep up")


def test_nothing_yet():
    assert Statistics(0.0).lines(1.0, lost=0) == [
        "URI  COUNT  RATE/S  BYTES  AGE S",
        "0 messages on 0 URIs in 1.0 s, none lost",
    ]


def test_one_is_singular():
    found = Statistics(0.0)
    found.add("/a", 1, 0.0)
    assert found.lines(0.0, lost=0)[-1] == "1 message on 1 URI in 0.0 s, none lost"


def test_several_at_one_moment_have_no_rate():
    found = Statistics(0.0)
    for _ in range(3):
        found.add("/a", 1, 5.0)
    assert found.lines(6.0, lost=0)[1].split() == ["/a", "3", "-", "3", "1.0"]


def test_where_there_is_no_room_the_busiest_are_shown(counted):
    counted.add("/third", 1, 101.0)
    counted.add("/third", 1, 101.0)
    lines = counted.lines(103.0, lost=0, most=2)
    assert [line.split()[0] for line in lines] == ["URI", "/fast", "/third", "...", "14"]
    assert lines[-2] == "... and 1 more"


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(statistics, "MOST_URIS", 3)
    found = Statistics(0.0)
    for number in range(10):
        found.add(f"/{number}", 2, 1.0)
    rows = [line.split() for line in found.lines(1.0, lost=0)]
    assert [row[0] for row in rows] == ["URI", "(other", "/0", "/1", "/2", "10"]
    assert rows[1][2:4] == ["7", "-"]
