"""Subscribers that count what arrives, and that measure how late it is."""

from __future__ import annotations

import time
from array import array
from collections.abc import Mapping
from typing import Any

from tools.bench import payload
from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client
from tools.bench.quantiles import percentile


class Enough(Exception):
    """All publishers have said that nothing follows."""


class Arrivals:
    """Counts what arrives, and notices when the paths are open and when everything has been sent.

    Args:
        job: ``size`` of what is counted, and how many ``publishers`` there are.
    """

    def __init__(self, job: Job, parent: Parent) -> None:
        self.count = 0
        self.ended_ns = 0
        self._size, self._publishers, self._parent = job["size"], job["publishers"], parent
        self._heard: Mapping[bytes, set[bytes]] = {payload.PROBE: set(), payload.END: set()}
        parent.counted = self.result

    def take(self, _uri: Any, body: bytes) -> None:
        """Count one message."""
        if len(body) == self._size:
            self.count += 1
        else:
            self.other(body)

    def other(self, body: bytes) -> None:
        """Take what does not count.

        Raises:
            Enough: it was the last publisher's end.
        """
        if not body:
            return  # not from a publisher: a dashboard asks what is there
        kind = payload.PROBE if body.startswith(payload.PROBE) else payload.END
        heard = self._heard[kind]
        if body in heard:
            return
        heard.add(body)
        if len(heard) < self._publishers:
            return
        if kind == payload.END:
            self.ended_ns = time.monotonic_ns()
            raise Enough
        self._parent.say("open")

    def result(self) -> Job:
        """Return what is known so far."""
        return {"count": self.count, "ended_ns": self.ended_ns or time.monotonic_ns()}


class Delays(Arrivals):
    """Counts, and measures how long after its due moment each message arrives."""

    def __init__(self, job: Job, parent: Parent) -> None:
        super().__init__(job, parent)
        self.delays = array("q")

    def take(self, _uri: Any, body: bytes) -> None:
        """Count and time one message."""
        if len(body) == self._size:
            self.count += 1
            self.delays.append(time.monotonic_ns() - payload.moment_ns(body))
        else:
            self.other(body)

    def result(self) -> Job:
        """Return what is known so far; delays in microseconds."""
        return {**super().result(), **in_us(self.delays)}


async def receive(client: Client, job: Job, parent: Parent) -> None:
    """Count what arrives until the publishers have ended."""
    await _receive(client, job, parent, Arrivals(job, parent))


async def receive_timed(client: Client, job: Job, parent: Parent) -> None:
    """The same, with delays."""
    await _receive(client, job, parent, Delays(job, parent))


async def _receive(client: Client, job: Job, parent: Parent, arrivals: Arrivals) -> None:
    await client.subscribe(job["uri"])
    parent.say("ready")
    try:
        await client.receive(arrivals.take)
    except Enough:
        parent.say("result", **arrivals.result())


def in_us(delays_ns: array[int]) -> Job:
    """Return percentiles in microseconds; nothing if there are no delays."""
    ordered = sorted(delays_ns)
    if not ordered:
        return {}
    return {f"p{percent}": percentile(ordered, percent) / 1000 for percent in (50, 99)}
