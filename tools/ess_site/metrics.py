"""What ``ess_site up`` tells Prometheus of the processes of its site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ess_bus.service.measures import Kind, Measure, by_label


class Seen(NamedTuple):
    """How a process is.

    Attributes:
        up: whether it is alive.
        answered: whether it has answered on its bus since it was started.
        ends: how often it has ended by itself.
    """

    up: bool
    answered: bool
    ends: int


_GAUGES: Final = {
    "up": "1 while the process is alive",
    "answered": "1 once it has answered on its bus since it was started; that it hangs is seen by its own metrics",
}
_COUNTERS: Final = {"ends": "How often the process has ended by itself; it is started again"}


def measures(seen: Mapping[str, Seen]) -> Iterator[Measure]:
    """Yield what can be counted of processes, by their names."""
    rows = {name: one._asdict() for name, one in seen.items()}
    yield from by_label("ess_site_process_", Kind.GAUGE, _GAUGES, "name", rows)
    yield from by_label("ess_site_process_", Kind.COUNTER, _COUNTERS, "name", rows)
