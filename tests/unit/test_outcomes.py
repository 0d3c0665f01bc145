"""What is told of commands that fail: each change once, whatever comes in between, and the end with a count."""

from __future__ import annotations

from ess_bus.outcomes import MAX_REASONS, Outcomes

COMMAND = "set /components/bms_1"


def test_a_device_that_refuses_now_so_and_now_so_is_told_of_once_for_each():
    outcomes = Outcomes()
    said = [outcomes.failed(COMMAND, f"exception {4 + turn % 2}") for turn in range(1000)]
    assert said[:2] == [f"{COMMAND}: exception 4", f"{COMMAND}: exception 5"]
    assert said[2:] == [None] * 998
    assert outcomes.succeeded(COMMAND) == f"{COMMAND}: carried out again, after 1000 that failed"
    assert outcomes.succeeded(COMMAND) is None
    assert outcomes.failed(COMMAND, "exception 4") == f"{COMMAND}: exception 4"


def test_what_fails_in_ever_new_ways_is_only_counted_in_the_end():
    outcomes = Outcomes()
    said = [outcomes.failed(COMMAND, f"{turn} does not fit") for turn in range(1000)]
    assert len([one for one in said if one]) == MAX_REASONS
    assert outcomes.succeeded(COMMAND) == f"{COMMAND}: carried out again, after 1000 that failed"


def test_each_command_is_told_of_for_itself():
    outcomes = Outcomes()
    assert outcomes.failed("set /a", "no") is not None
    assert outcomes.failed("set /b", "no") is not None
    assert outcomes.succeeded("set /c") is None
