"""What a client says while there is no broker."""

from __future__ import annotations

import logging

import pytest

from ess_bus.client.waiting import Waiting

WHERE = "ipc:///somewhere"
WAITS = (
    f"the broker on {WHERE} does not answer; waiting for it: start fims_server, or name another bus (--bus, ESS_BUS)"
)
IS_THERE = f"the broker on {WHERE} is there"


@pytest.fixture
def said(caplog):
    caplog.set_level(logging.INFO)
    yield lambda: [record.getMessage() for record in caplog.records]
    Waiting(WHERE, 1.0).look(0.0, is_there=True)


def test_it_is_said_once_and_in_time_and_once_that_the_broker_is_there(said):
    waiting = Waiting(WHERE, 1.0)
    assert waiting.look(5.0, is_there=False) == 6.0
    assert waiting.look(5.9, is_there=False) == 6.0
    assert said() == []
    for now in (6.0, 6.5, 20.0):
        assert waiting.look(now, is_there=False) == float("inf")
    assert said() == [WAITS]
    waiting.look(21.0, is_there=True)
    waiting.look(22.0, is_there=True)
    assert said() == [WAITS, IS_THERE]


def test_a_broker_that_comes_in_time_is_no_news(said):
    waiting = Waiting(WHERE, 1.0)
    waiting.look(5.0, is_there=False)
    waiting.look(5.5, is_there=True)
    assert said() == []


def test_a_broker_that_goes_is_said_too(said):
    waiting = Waiting(WHERE, 1.0)
    waiting.look(5.0, is_there=True)
    waiting.look(9.0, is_there=False)
    waiting.look(10.0, is_there=False)
    waiting.look(11.0, is_there=True)
    assert said() == [WAITS.replace("does not answer", "is gone"), IS_THERE]


def test_a_program_that_tries_again_says_it_once(said):
    for _ in range(3):
        waiting = Waiting(WHERE, 1.0)
        waiting.look(5.0, is_there=False)
        waiting.look(7.0, is_there=False)
    assert said() == [WAITS]


def test_who_says_it_in_another_way_is_silent(said):
    waiting = Waiting(WHERE, float("inf"))
    assert waiting.look(5.0, is_there=False) == float("inf")
    waiting.look(1e9, is_there=False)
    assert said() == []
