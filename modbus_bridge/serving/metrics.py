"""What a server tells Prometheus; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ess_bus.service.measures import Kind, Measure, Sample, age, counter, gauge
from modbus_bridge.serving.mirror import Mirror
from modbus_bridge.serving.sets import Sets


def of_masters(requests: int, exceptions: Mapping[Any, int], masters: int) -> Iterator[Measure]:
    """Yield what masters have asked, and what they were answered; `exceptions` by code."""
    yield gauge("ess_server_masters", "Masters that are connected", masters)
    yield counter("ess_server_requests", "Requests of masters", requests)
    rows = [Sample(count, {"code": str(code)}) for code, count in sorted(exceptions.items())]
    yield Measure("ess_server_exceptions", Kind.COUNTER, "Requests that were answered with an exception", rows)


def measures(statistics: Mapping[str, Any], mirror: Mirror, now_s: float) -> Iterator[Measure]:
    """Yield what the `statistics` of a server that follows the bus tell (`interface.statistics`), and its mirror."""
    yield from of_masters(statistics["requests"], statistics["exceptions"], statistics["masters_connected"])
    yield gauge("ess_server_owners", "URIs whose variables are served", len(mirror.variables.owners))
    yield gauge("ess_server_unknown", "Served variables whose value is not known", len(mirror.variables.unknown))
    yield from _of_sets(mirror.sets)
    ages = [Sample(age(seconds), {"uri": uri}) for uri, seconds in mirror.ages_s(now_s).items()]
    text = "Seconds since an owner confirmed its values, by an answer or a pub; infinite if it was never heard"
    yield Measure("ess_server_owner_age_seconds", Kind.GAUGE, text, ages)
    oldest = max((one.value for one in ages), default=None)
    yield gauge("ess_server_oldest_value_seconds", "The age of the oldest value of all owners", oldest)


def _of_sets(sets: Sets) -> Iterator[Measure]:
    yield counter("ess_server_sets", "Sets of masters that an owner has answered, with yes or no", sets.count)
    yield counter("ess_server_sets_refused", "Sets that an owner has refused", sets.not_taken)
    yield counter("ess_server_sets_unanswered", "Sets without an answer, or that reached no owner", sets.unanswered)
    yield counter("ess_server_round_trip_seconds", "How long owners took to answer sets, all together", sets.seconds)
    yield gauge("ess_server_round_trip_last_seconds", "How long an owner took to answer the last set", sets.last_s)
