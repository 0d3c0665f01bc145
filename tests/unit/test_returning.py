from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from ess_bus.broker.returning import GRACE_S, MAX_BYTES, MAX_FRAMES, Command, Returning


def kept(text: str = "", size: int = 0) -> Command:
    return Command(cast(Any, SimpleNamespace(name="sender")), text.encode().ljust(size), "set", "/a")


@pytest.fixture
def returning() -> Returning:
    return Returning()


def test_a_broker_that_nobody_comes_back_to_keeps_nothing(returning):
    assert returning.keep(kept(), 0.0) is False
    assert returning.release() == []
    assert not returning.is_over(1e9)


def test_after_the_first_who_comes_back_commands_are_kept_for_a_moment(returning):
    returning.notice(10.0)
    assert returning.keep(kept(), 10.0) is True
    assert returning.keep(kept(), 10.0 + GRACE_S) is True
    assert returning.keep(kept(), 10.1 + GRACE_S) is False


def test_who_comes_back_later_does_not_make_it_longer(returning):
    returning.notice(10.0)
    returning.notice(12.0)
    assert returning.keep(kept(), 10.1 + GRACE_S) is False


def test_they_are_released_in_order_and_once(returning):
    returning.notice(0.0)
    commands = [kept(str(number)) for number in range(3)]
    for command in commands:
        returning.keep(command, 0.0)
    assert returning.release() == commands
    assert returning.release() == []


def test_it_is_over_when_something_is_left_after_the_moment(returning):
    returning.notice(0.0)
    assert not returning.is_over(GRACE_S + 1)  # nothing is kept
    returning.keep(kept(), 0.0)
    assert not returning.is_over(GRACE_S)
    assert returning.is_over(GRACE_S + 0.1)
    returning.release()
    assert not returning.is_over(GRACE_S + 0.1)


def test_what_was_released_may_be_kept_again_within_the_moment(returning):
    returning.notice(0.0)
    returning.keep(kept("1"), 0.0)
    (command,) = returning.release()
    assert returning.keep(command, 1.0) is True
    assert returning.release() == [command]


def test_no_more_frames_are_kept_than_the_limit_and_releasing_makes_room(returning):
    returning.notice(0.0)
    assert all(returning.keep(kept(), 0.0) for _ in range(MAX_FRAMES))
    assert returning.keep(kept(), 0.0) is False
    assert len(returning.release()) == MAX_FRAMES
    assert returning.keep(kept(), 0.0) is True


def test_no_more_bytes_are_kept_than_the_limit(returning):
    returning.notice(0.0)
    assert returning.keep(kept(size=MAX_BYTES - 10), 0.0) is True
    assert returning.keep(kept(size=11), 0.0) is False
    assert returning.keep(kept(size=10), 0.0) is True
    returning.release()
    assert returning.keep(kept(size=MAX_BYTES), 0.0) is True
    assert returning.keep(kept(size=1), 0.0) is False
