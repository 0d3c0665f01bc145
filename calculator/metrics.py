"""What a calculator tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from calculator.core import Calculator
from calculator.slots import MISSING
from ess_bus.service.measures import Measure, age, counter, gauge


@dataclass(slots=True)
class Exchanges:
    """What became of the results that were set on the engine.

    Attributes:
        sets: sets that the engine has answered, each of some results.
        results: the results that it took of them.
        refused: results that it did not take.
        seconds: how long its answers took, all together; sets that are sent together count once.
        last_s: how long the last one took.
    """

    sets: int = 0
    results: int = 0
    refused: int = 0
    seconds: float = 0.0
    last_s: float | None = None

    def answered(self, sets: int, results: int, seconds: float) -> None:
        """Note sets that were sent together, how many results the engine took of them, and how long that took."""
        self.sets += sets
        self.results += results
        self.seconds += seconds
        self.last_s = seconds


def measures(
    calculator: Calculator, exchanges: Exchanges, now_s: float, *, is_reached: bool, heard_s: float | None
) -> Iterator[Measure]:
    """Yield what can be counted at this moment.

    Args:
        calculator: the calculations.
        exchanges: what became of their results.
        now_s: the time.
        is_reached: whether the engine takes results.
        heard_s: when the engine has told or answered something; ``None`` is never.
    """
    states = calculator.states
    ages = [now_s - slot.at_s if slot.value is not MISSING else None for state in states for slot in state.inputs]
    yield gauge("ess_calculator_engine_up", "1 while the engine takes results", float(is_reached))
    yield gauge("ess_calculator_calculations", "Results that are calculated", len(states))
    not_valid = sum(bool(state.reason) for state in states)
    yield gauge("ess_calculator_results_not_valid", "Results that are not valid (null), with a reason", not_valid)
    yield counter("ess_calculator_results", "Results that the engine has taken", exchanges.results)
    yield counter("ess_calculator_refused", "Results that the engine has refused", exchanges.refused)
    yield counter("ess_calculator_sets", "Sets that the engine has answered", exchanges.sets)
    text = "How long the engine took to answer sets, all together"
    yield counter("ess_calculator_round_trip_seconds", text, exchanges.seconds)
    text = "How long the engine took to answer the last set"
    yield gauge("ess_calculator_round_trip_last_seconds", text, exchanges.last_s)
    text = "Seconds since the engine told values or answered; infinite before the first time"
    heard_age_s = None if heard_s is None else now_s - heard_s
    yield gauge("ess_calculator_oldest_value_seconds", text, age(heard_age_s))
    text = "Seconds since the operand changed that has stood still for the longest time; infinite if one never came"
    yield gauge("ess_calculator_oldest_operand_seconds", text, max(map(age, ages), default=0.0))
