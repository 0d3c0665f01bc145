"""The Clou controller's heartbeats over TCP: written while the engine is on the bus, and watched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ess_bus.client import Bus
from tests.integration.conftest import eventually
from tests.integration.loopback import Loopback, running

COMMANDS = "/components/clou_ess_controller_hr"
STATE = "/components/clou_ess_controller_hs"
BEATS = 5


@pytest.fixture(scope="module")
def site() -> Iterator[Loopback]:
    with running("clou") as found:
        yield found


def beats(site: Loopback) -> list[Any]:
    """Return what was written to `life`, oldest first."""
    return [value for uri, name, value in site.owner.sets if (uri, name) == (COMMANDS, "life")]


def is_silent(site: Loopback) -> bool:
    """Whether nothing is written to `life` while as many polls pass as there would be beats."""
    before = len(beats(site))
    for mode in range(BEATS):
        site.owner.values[COMMANDS]["run_mode"] = mode
        site.plant.publish(COMMANDS, {"run_mode": mode})
        eventually(lambda mode=mode: site.bus.get(f"{COMMANDS}/run_mode") == mode)  # type: ignore[misc]
    return len(beats(site)) == before


def test_life_is_counted_up_only_while_the_engine_is_on_the_bus(site: Loopback) -> None:
    assert is_silent(site)
    with Bus(site.ems, name="ess_controller") as engine:
        engine.announce()
        eventually(lambda: len(beats(site)) >= BEATS)
    eventually(lambda: is_silent(site))
    found = beats(site)
    # One that could not be written in time is left out.
    assert found == sorted(set(found))


def test_a_life_signal_that_stands_still_is_a_controller_that_is_not_connected(site: Loopback) -> None:
    eventually(lambda: site.bus.get(STATE)["component_connected"] is False)
    beat = 0

    def is_connected() -> bool:
        nonlocal beat
        beat += 1
        site.plant.publish(STATE, {"life_signal": beat / 10})
        return site.bus.get(STATE)["component_connected"] is True

    eventually(is_connected)
    eventually(lambda: site.bus.get(STATE)["component_connected"] is False)
