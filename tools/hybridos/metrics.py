"""What HybridOS tells Prometheus of the controller that it commands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ess_bus.service.measures import Measure, age, counter, gauge


@dataclass(slots=True)
class Rounds:
    """Counts.

    Attributes:
        done: rounds in which the controller was looked at and, if wanted, beaten for.
        failed: rounds that ended because it did not answer.
        seconds: how long those took that were done, all together.
        seen_s: when the last one was done, on a steady clock.
        orders: orders that were written.
        orders_failed: orders that the controller refused or that did not reach it.
        lateness_s: how late the last round began.
    """

    done: int = 0
    failed: int = 0
    seconds: float = 0.0
    seen_s: float | None = None
    orders: int = 0
    orders_failed: int = 0
    lateness_s: float = 0.0

    def ended(self, begun_s: float, now_s: float) -> None:
        """A round was done."""
        self.done += 1
        self.seconds += now_s - begun_s
        self.seen_s = now_s


def measures(rounds: Rounds, now_s: float, *, is_reached: bool, unknown: int) -> Iterator[Measure]:
    """Yield what can be counted at this moment; `unknown` registers are not known."""
    yield gauge("ess_hybridos_controller_up", "1 while the controller answers", float(is_reached))
    yield counter("ess_hybridos_rounds", "Rounds: a beat, and a look at all registers", rounds.done)
    yield counter("ess_hybridos_rounds_failed", "Rounds that the controller did not answer", rounds.failed)
    yield counter("ess_hybridos_round_trip_seconds", "How long rounds took, all together", rounds.seconds)
    yield counter("ess_hybridos_orders", "Orders that were written", rounds.orders)
    text = "Orders that the controller refused, or that did not reach it"
    yield counter("ess_hybridos_orders_failed", text, rounds.orders_failed)
    yield gauge("ess_hybridos_unknown", "Registers whose value is not known", unknown)
    yield gauge("ess_hybridos_lateness_seconds", "How late the last round began", rounds.lateness_s)
    seen_s = None if rounds.seen_s is None else now_s - rounds.seen_s
    text = "Seconds since all registers were read; infinite before the first time"
    yield gauge("ess_hybridos_oldest_value_seconds", text, age(seen_s))
