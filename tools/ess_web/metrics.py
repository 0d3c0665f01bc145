"""What the dashboard tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ess_bus.service.measures import Measure, age, counter, gauge
from tools.ess_web.hub import Hub


@dataclass(slots=True)
class Looks:
    """Counts.

    Attributes:
        polls: how often the broker has told who is there.
        polls_failed: how often it did not answer.
        seen_s: when it did last, on a steady clock.
        sets: sets of operators that were answered, with yes or no.
        sets_failed: sets that were refused, or not answered.
        seconds: how long answers took, all together.
    """

    polls: int = 0
    polls_failed: int = 0
    seen_s: float | None = None
    sets: int = 0
    sets_failed: int = 0
    seconds: float = 0.0


def measures(hub: Hub, looks: Looks, now_s: float) -> Iterator[Measure]:
    """Yield what can be counted at this moment."""
    yield gauge("ess_web_broker_up", "1 while the broker is there", float(hub.keepers.connected))
    yield gauge("ess_web_engine_up", "1 while the engine has told everything", float(not hub.complaint))
    yield gauge("ess_web_pages", "Pages that are open", len(hub.pages))
    yield gauge("ess_web_variables", "Variables that are known", hub.store.count)
    yield counter("ess_web_variables_left_out", "Values of variables that found no room", hub.store.left_out)
    yield counter("ess_web_polls", "How often the broker has told who is there", looks.polls)
    yield counter("ess_web_polls_failed", "How often it did not answer", looks.polls_failed)
    yield counter("ess_web_sets", "Sets of operators that were answered, with yes or no", looks.sets)
    yield counter("ess_web_sets_failed", "Sets of operators that were refused or not answered", looks.sets_failed)
    yield counter("ess_web_round_trip_seconds", "How long answers to sets took, all together", looks.seconds)
    seen_s = None if looks.seen_s is None else now_s - looks.seen_s
    text = "Seconds since it was last looked who keeps the values that are shown; infinite before the first time"
    yield gauge("ess_web_oldest_value_seconds", text, age(seen_s))
