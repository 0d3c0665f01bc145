"""A program of its own that only receives, and says on request what it has: ``python -m tests.integration.subscriber``.

Arguments: the bus, the name, the prefix it subscribes to, and the client to use (``Bus`` or ``AsyncBus``). It answers
``get /report/NAME`` with what it has received and missed so far, in the order of what it receives.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from ess_bus.client import AsyncBus, Bus
from ess_bus.message import Message


class Report:
    """What has been received."""

    def __init__(self, name: str) -> None:
        self.uri = f"/report/{name}"
        self.received = 0
        self.is_ordered = True
        self.newest: dict[str, int] = {}

    def take(self, message: Message) -> None:
        number = int((message.body or b"-1").partition(b" ")[0])
        self.is_ordered &= number > max(self.newest.values(), default=-1)
        self.newest[message.uri] = number
        self.received += 1

    def about(self, dropped: int, gaps: int) -> dict[str, Any]:
        facts = {"received": self.received, "dropped": dropped, "gaps": gaps}
        return {**facts, "newest": self.newest, "ordered": self.is_ordered}


def blocking(bus_name: str, name: str, prefix: str) -> None:
    report = Report(name)
    with Bus(bus_name, name=name) as bus:
        for message in bus.subscribe(prefix, report.uri):
            if message.method == "get":
                bus.reply(message, report.about(bus.statistics().dropped, bus.gaps))
            else:
                report.take(message)


async def asynchronous(bus_name: str, name: str, prefix: str) -> None:
    report = Report(name)
    async with AsyncBus(bus_name, name=name) as bus:
        async for message in await bus.subscribe(prefix, report.uri):
            if message.method == "get":
                await bus.reply(message, report.about(bus.statistics().dropped, bus.gaps))
            else:
                report.take(message)


if __name__ == "__main__":
    if sys.argv[4] == "Bus":
        blocking(*sys.argv[1:4])
    else:
        asyncio.run(asynchronous(*sys.argv[1:4]))
