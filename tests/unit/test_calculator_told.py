"""What the engine has of a result: echoes of what was set, and what somebody else sets."""

from __future__ import annotations

from calculator.told import ECHO_WITHIN_S, Told


def told(*values: float) -> Told:
    """Return what was told these, one right after the other."""
    made = Told()
    for value in values:
        made.has_taken(value, 0.0)
    return made


def test_the_echo_of_an_earlier_result_says_nothing_of_the_last_one() -> None:
    result = told(1, 2)
    assert not result.shows(1, 0.1)
    assert not result.needs(2)
    assert not result.shows(2, 0.1)
    assert not result.needs(2)


def test_once_the_last_one_is_back_an_earlier_value_is_somebody_elses() -> None:
    result = told(1, 2)
    assert not result.shows(2, 0.1)
    assert result.shows(1, 0.2)
    assert result.needs(2)


def test_what_was_sent_long_ago_is_no_echo_any_more() -> None:
    result = told(1, 2)
    assert result.shows(1, ECHO_WITHIN_S + 0.1)
    assert result.needs(2)
