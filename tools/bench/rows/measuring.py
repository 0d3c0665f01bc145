"""The two shapes that most rows are made of: publishers to subscribers, at full speed or at a fixed rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from tools.bench import registry
from tools.bench.pacing import Schedule
from tools.bench.peers.base import System
from tools.bench.processes import Bench, Failed, Server, Worker
from tools.bench.row import Sample, Subject

URI: Final = "/bench/values"
Measure = Callable[[Bench, System], Sample]


def subjects(measure: Measure, *, answering: bool = False, variants: Sequence[str] = ()) -> tuple[Subject, ...]:
    """Return the systems as subjects of a row.

    Args:
        measure: measures one of them.
        answering: whether only those shall take part that have requests.
        variants: the names of the variants that shall take part.
    """
    chosen = [each for each in registry.systems() if not each.variant or each.name in variants]
    return tuple(subject(each, measure) for each in chosen if each.answers or not answering)


def subject(system: System, measure: Measure) -> Subject:
    """Return one system as a subject."""
    return Subject(system.name, lambda bench: measure(bench, system), system.missing())


def flood(bench: Bench, system: System, *, publishers: int, subscribers: int, size: int, count: int) -> Sample:
    """Send about `count` messages in all, as fast as they go; ``rate`` is that of the deliveries."""
    each = max(1, bench.scale.count(int(count * system.share)) // publishers)
    with _paths(bench, system, "flood", "receive", publishers, subscribers, size=size, count=each) as paths:
        started_ns = paths.start()
        heard = [worker.hear("result") for worker in paths.receiving]
    arrived = sum(each["count"] for each in heard)
    seconds = (max(each["ended_ns"] for each in heard) - started_ns) / 1e9
    return Sample({"rate": arrived / seconds}, each * publishers * subscribers, arrived)


@dataclass(frozen=True, slots=True)
class Paths:
    """Publishers and subscribers that have found each other.

    Attributes:
        server: the broker between them.
        sending: the publishers; they wait for `start`.
        receiving: the subscribers.
    """

    server: Server
    sending: list[Worker]
    receiving: list[Worker]

    def start(self) -> int:
        """Let the publishers begin; return when the first one did, in nanoseconds of the monotonic clock."""
        for worker in self.sending:
            worker.tell("go")
        return min(int(worker.hear("started")["started_ns"]) for worker in self.sending)


def paced(
    bench: Bench,
    system: System,
    schedule: Schedule,
    *,
    size: int,
    subscribers: int = 1,
    send: str = "pace",
    receive: str = "receive_timed",
) -> AbstractContextManager[Paths]:
    """One publisher that keeps a schedule, and its subscribers; `send` and `receive` are their roles."""
    return _paths(bench, system, send, receive, 1, subscribers, size=size, schedule=asdict(schedule))


@contextmanager
def _paths(
    bench: Bench, system: System, send: str, receive: str, publishers: int, subscribers: int, **job: Any
) -> Iterator[Paths]:
    job |= {"uri": URI, "publishers": publishers}
    with bench.server(system) as server, bench.workers(server, receive, subscribers, **job) as receiving:
        for worker in receiving:
            worker.hear("ready")
        with bench.workers(server, send, publishers, **job) as sending:
            for worker in receiving:
                worker.hear("open")
            yield Paths(server, sending, receiving)


def complete(heard: dict[str, Any], figure: str) -> float:
    """Return a figure that a worker has counted.

    Raises:
        Failed: not even one message arrived.
    """
    if figure not in heard:
        raise Failed(f"nothing arrived, so there is no {figure}")
    return float(heard[figure])
