"""How the time of a plant passes: as fast as it is told, for ever or for a while."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.twins.configuration import configured
from tools.twins.control import Control

HERE = Path("plant.json")
MULTIPLIER = ("timemultiplier",)


@pytest.fixture
def control() -> Control:
    return Control(configured(HERE, [(HERE, {"ess": [{"id": "ess_1", "cap": 1000}]})]))


def test_a_hurry_is_just_as_long_as_it_is_told_whatever_the_ticks_are(control: Control) -> None:
    control.set(MULTIPLIER, 2)
    control.set(MULTIPLIER, {"value": 3600, "for": 3600})
    for _ in range(3):
        control.advance(0.3)
    assert control.plant.seconds == pytest.approx(3240)
    assert control.time_multiplier == 3600
    control.advance(0.3)
    # A tenth of a second of this tick was hurried, two tenths are lived twice as fast as the clock, as before.
    assert control.plant.seconds == pytest.approx(3600.4)
    assert control.time_multiplier == 2
    control.advance(1)
    assert control.plant.seconds == pytest.approx(3602.4)


def test_another_multiplier_ends_a_hurry_and_another_hurry_ends_where_the_first_would(control: Control) -> None:
    control.set(MULTIPLIER, {"value": 3600, "for": 3600})
    control.set(MULTIPLIER, {"value": 60, "for": 60})
    control.advance(2)
    assert (control.plant.seconds, control.time_multiplier) == (61, 1)
    control.set(MULTIPLIER, {"value": 3600, "for": 3600})
    control.set(MULTIPLIER, 10)
    control.advance(1000)
    assert (control.plant.seconds, control.time_multiplier) == (10061, 10)


@pytest.mark.parametrize("within", [0, -1, True, "an hour", 1e12])
def test_a_wrong_time_is_refused_and_nothing_changes(control: Control, within: object) -> None:
    with pytest.raises(ValueError, match="timemultiplier: for: expected a number"):
        control.set(MULTIPLIER, {"value": 3600, "for": within})
    control.advance(1)
    assert (control.plant.seconds, control.time_multiplier) == (1, 1)
