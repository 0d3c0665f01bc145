"""Every test of a rule about the broker runs over every transport; those of a file share one broker of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from ess_bus.broker.limits import Limits
from tests.conformance.worlds import KINDS, World, make_world

_places = count(1)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(*names): the rules of docs/wire.md that a test checks")


@pytest.fixture(scope="module", params=KINDS)
def _shared_world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = make_world(request.param)
    yield world
    world.close()


@pytest.fixture
def world(_shared_world: World) -> Iterator[World]:
    """A broker with the usual limits, shared by the tests of a file; connections end with the test."""
    yield _shared_world
    _shared_world.part()


@pytest.fixture
def at() -> str:
    """A URI that no other test uses."""
    return f"/t{next(_places)}"


@pytest.fixture(scope="module", params=KINDS)
def _limited_worlds(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[Limits, World]]]:
    worlds: dict[Limits, World] = {}
    yield request.param, worlds
    for world in worlds.values():
        world.close()


@pytest.fixture
def limited_world(_limited_worlds: tuple[str, dict[Limits, World]]) -> Iterator[Callable[..., World]]:
    """Find a broker with limits by name, shared by the tests of a file that want the same."""
    kind, worlds = _limited_worlds

    def find(**named: Any) -> World:
        limits = Limits(**named)
        if limits not in worlds:
            worlds[limits] = make_world(kind, limits)
        return worlds[limits]

    yield find
    for world in worlds.values():
        world.part()


@pytest.fixture(params=KINDS)
def own_world(request: pytest.FixtureRequest) -> Iterator[Callable[..., World]]:
    """Make a broker for one test alone, with limits by name."""
    made: list[World] = []

    def make(**limits: Any) -> World:
        made.append(make_world(request.param, Limits(**limits)))
        return made[-1]

    yield make
    for world in made:
        world.close()
