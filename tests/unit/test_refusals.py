import logging

import pytest

from ess_bus.broker import refusals
from ess_bus.broker.refusals import Refusals


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(clock, caplog) -> Refusals:
    caplog.set_level(logging.WARNING)
    return Refusals(clock)


def test_each_kind_is_said_once_a_minute_with_how_many_there_were(log, clock, caplog):
    for number in range(5):
        log.note("a", f"a {number}")
    log.note("b", "b")
    clock.now = 59.9
    log.note("a", "still quiet")
    assert caplog.messages == ["a 0", "b"]
    clock.now = 60.0
    log.note("a", "again")
    clock.now = 120.0
    log.note("a", "once more")
    assert caplog.messages[2:] == ["again (5 more like it since the last such line)", "once more"]


def test_memory_is_bounded(log, monkeypatch, caplog):
    monkeypatch.setattr(refusals, "MAX_REMEMBERED", 10)
    for number in range(100):
        log.note(str(number), str(number))
    assert len(caplog.messages) == 100
    assert len(log._said) <= 10
