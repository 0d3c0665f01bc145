"""Searching for what can be read, against devices of every habit."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modbus_bridge.probe.search import Found, search

Answers = Callable[[int, int], bool]


def run(found: Found, answers: Answers, longest: int = 125, most: int = 100_000) -> list[tuple[int, int]]:
    """Drive a search and return its requests."""
    searching = search(found, longest)
    requests = [next(searching)]
    try:
        while len(requests) < most:
            requests.append(searching.send(answers(*requests[-1])))
    except StopIteration:
        pass
    return requests


def strict(there: set[int], limit: int = 125) -> Answers:
    """A device that refuses every read that touches an address that is not there, and long ones."""
    return lambda start, count: count <= limit and there.issuperset(range(start, start + count))


def spread(*ranges: range) -> set[int]:
    return {address for addresses in ranges for address in addresses}


def test_a_device_that_answers_everything_costs_long_reads_only() -> None:
    found = Found(0, 9999)
    assert len(run(found, lambda _start, _count: True)) == 80
    assert found.ranges == [range(10_000)]


def test_a_device_that_has_nothing_is_asked_once_for_each_address() -> None:
    found = Found(0, 99)
    requests = run(found, lambda _start, _count: False)
    assert found.ranges == []
    assert len(requests) == 1 + 100


def test_maps_that_begin_at_round_addresses_are_found_soon() -> None:
    wanted = [range(1000, 1011), range(2000, 2121), range(2200, 2580), range(3001, 3052)]
    found = Found(0, 9999)
    run(found, strict(spread(*wanted)), most=1300)
    assert found.ranges == wanted


def test_shorter_reads_are_learned() -> None:
    found = Found(0, 999)
    requests = run(found, strict(set(range(1000)), limit=40))
    assert found.ranges == [range(1000)]
    assert len(requests) < 120


def test_one_address() -> None:
    for there in (set(), {7}):
        found = Found(7, 7)
        run(found, strict(there))
        assert found.ranges == [range(address, address + 1) for address in there]


def test_the_last_address_of_all() -> None:
    found = Found(65_400, 65_535)
    requests = run(found, strict(set(range(65_500, 65_536))))
    assert found.ranges == [range(65_500, 65_536)]
    assert max(start + count for start, count in requests) == 65_536


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(1, 150)), max_size=6),
    st.integers(1, 130),
    st.integers(0, 50),
)
def test_everything_there_is_found_and_nothing_else(islands: list[tuple[int, int]], limit: int, first: int) -> None:
    there = spread(*(range(start, start + count) for start, count in islands))
    found = Found(first, first + 499)
    requests = run(found, strict(there, limit))
    assert spread(*found.ranges) == there & set(range(first, first + 500))
    assert all(one.stop < other.start for one, other in pairwise(found.ranges))
    assert all(first <= start and 1 <= count <= 125 and start + count <= first + 500 for start, count in requests)
    # Every address once, its blocks, and some steps at both ends of each island.
    assert len(requests) <= 500 + 4 + 40 * (len(islands) + 1) + 500 // min(limit, 60)


@pytest.mark.parametrize("most", [1, 5, 50])
def test_what_is_known_when_it_is_stopped_is_right(most: int) -> None:
    there = spread(range(100, 120), range(300, 301))
    found = Found(0, 499)
    run(found, strict(there), most=most)
    assert spread(*found.ranges) <= there
