"""A measurement and its thresholds: what is just at one is not beyond it."""

from __future__ import annotations

from typing import Any

import pytest

from tools.twins.models.measurement import Measurement

THRESHOLDS: dict[str, Any] = {
    "fault_high_threshold": 90.0,
    "alarm_high_threshold": 80.0,
    "alarm_low_threshold": 20.0,
    "fault_low_threshold": 10.0,
}


@pytest.mark.parametrize(
    ("value", "beyond"),
    [
        (90.1, {"fault_high", "alarm_high"}),
        (90.0, {"alarm_high"}),
        (80.0, set()),
        (20.0, set()),
        (10.0, {"alarm_low"}),
        (9.9, {"fault_low", "alarm_low"}),
    ],
)
def test_it_is_beyond_a_threshold_or_not(value: float, beyond: set[str]) -> None:
    measured = Measurement(value=value, **THRESHOLDS)
    measured.judge()
    names = ("fault_high", "alarm_high", "alarm_low", "fault_low")
    assert {name for name in names if getattr(measured, name)} == beyond
    assert measured.is_faulty == bool(beyond & {"fault_high", "fault_low"})
