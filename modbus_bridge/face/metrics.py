"""What a bridge tells Prometheus: made of its statistics (`Bridge.stats`); pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ess_bus.service.measures import Kind, Measure, Sample, age, by_label, counter, gauge

_COUNTERS: Final = {
    "polls": "Attempts to read the component, whatever came of them",
    "polls_failed": "Attempts that told nothing",
    "ticks_skipped": "Polls that were left out because they would have been too late",
    "pubs": "Pubs of the component",
    "pubs_lost": "Pubs that could not be sent",
    "sets": "Sets that the device has taken",
    "sets_failed": "Sets that were refused or that failed",
    "blocks_split": "How often a request was cut in two because the device refused it",
}
_GAUGES: Final = {
    "connected": "1 while the component is read",
    "points": "Points of the component",
    "requests_waiting": "Requests that wait for the component",
}
_SPREADS: Final = {
    "tick_lateness_ms": ("lateness", "How late polls began"),
    "read_time_ms": ("read", "How long polls took, all requests together"),
    "pub_time_ms": ("pub", "How long it took from a poll to its pub"),
}
_QUANTILES: Final = (("p50", "0.5"), ("p99", "0.99"))
_LABEL: Final = "component"


def measures(stats: Mapping[str, Any]) -> Iterator[Measure]:
    """Yield what `_stats` of a bridge tell, in the units of Prometheus."""
    connection, components = stats["connection"], stats["components"]
    alive = sum(bool(one["connected"]) for one in components.values())
    # One that hangs goes on taking connections.
    is_silent = not alive and bool(connection["units_down"])
    is_up = connection["connected"] and not is_silent
    yield gauge("ess_bridge_device_up", "1 while the device answers", float(is_up))
    yield gauge("ess_bridge_connections_open", "Connections to the device", connection["connections_open"])
    yield gauge("ess_bridge_units_down", "Units behind the connection that are silent", len(connection["units_down"]))
    yield gauge("ess_bridge_components", "Components of the bridge", len(components))
    yield gauge("ess_bridge_components_connected", "Components that are read", alive)
    yield from _channels(connection["connections"])
    yield counter("ess_bridge_writes_failed", "Writes that the device did not confirm", connection["writes_failed"])
    yield from by_label("ess_bridge_component_", Kind.COUNTER, _COUNTERS, _LABEL, components)
    yield from by_label("ess_bridge_component_", Kind.GAUGE, _GAUGES, _LABEL, components)
    ages = [Sample(age(one["age_s"]), {_LABEL: name}) for name, one in components.items()]
    text = "Seconds since the component was read; infinite before the first time"
    yield Measure("ess_bridge_component_age_seconds", Kind.GAUGE, text, ages)
    periods = [Sample(one["period_ms"] / 1000, {_LABEL: name}) for name, one in components.items()]
    text = "How often the component is to be read"
    yield Measure("ess_bridge_component_period_seconds", Kind.GAUGE, text, periods)
    oldest = max((one.value for one in ages), default=0.0)
    yield gauge("ess_bridge_oldest_value_seconds", "The age of the oldest value of all components", oldest)
    for key, (name, text) in _SPREADS.items():
        yield _spread(f"ess_bridge_component_{name}_seconds", text, key, components)


def _channels(channels: list[Mapping[str, Any]]) -> Iterator[Measure]:
    for name, key, text in (
        ("connects", "connects", "How often connections were opened; more than there are were reconnections"),
        ("requests", "num_jobs", "Modbus requests that were sent"),
        ("requests_failed", "num_fails", "Modbus requests without an answer"),
        ("requests_repeated", "repeats", "Modbus requests that were sent again"),
    ):
        yield counter(f"ess_bridge_{name}", text, sum(one[key] for one in channels))
    for what in ("read", "write"):
        times = [one[f"modbus_{what}_times"] for one in channels]
        count = sum(one["Count"] for one in times)
        seconds = sum(one["Avg"] * one["Count"] for one in times) / 1000
        yield counter(f"ess_bridge_{what}_round_trips", f"Answers to {what}s", count)
        yield counter(f"ess_bridge_{what}_round_trip_seconds", f"How long they took, all together ({what}s)", seconds)
    exceptions: Counter[str] = Counter()
    for one in channels:
        exceptions.update(one["exceptions"])
    rows = [Sample(count, {"code": code}) for code, count in sorted(exceptions.items())]
    yield Measure("ess_bridge_exceptions", Kind.COUNTER, "Exceptions that the device has answered", rows)


def _spread(name: str, text: str, key: str, components: Mapping[str, Mapping[str, Any]]) -> Measure:
    rows = [
        Sample(one[key][quantile] / 1000, {_LABEL: component, "quantile": label})
        for component, one in components.items()
        if one[key]["count"]
        for quantile, label in _QUANTILES
    ]
    return Measure(name, Kind.GAUGE, text, rows)
