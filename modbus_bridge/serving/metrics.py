"""What a server tells Prometheus; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ess_bus.service.measures import Kind, Measure, Sample, counter, gauge
from modbus_bridge.serving.variables import Variables


def of_masters(requests: int, exceptions: Mapping[Any, int], masters: int) -> Iterator[Measure]:
    """Yield what masters have asked, and what they were answered; `exceptions` by code."""
    yield gauge("ess_server_masters", "Masters that are connected", masters)
    yield counter("ess_server_requests", "Requests of masters", requests)
    rows = [Sample(count, {"code": str(code)}) for code, count in sorted(exceptions.items())]
    yield Measure("ess_server_exceptions", Kind.COUNTER, "Requests that were answered with an exception", rows)


def measures(statistics: Mapping[str, Any], variables: Variables) -> Iterator[Measure]:
    """Yield what the `statistics` of a server that follows the bus tell (`interface.statistics`)."""
    yield from of_masters(statistics["requests"], statistics["exceptions"], statistics["masters_connected"])
    yield gauge("ess_server_owners", "URIs whose variables are served", len(variables.owners))
    yield gauge("ess_server_unknown", "Served variables whose value is not known", len(variables.unknown))
