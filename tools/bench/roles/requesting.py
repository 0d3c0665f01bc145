"""Requests: an owner that answers, and who asks it."""

from __future__ import annotations

import time
from array import array

from tools.bench import payload
from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client
from tools.bench.roles.receiving import in_us


async def answer(client: Client, job: Job, parent: Parent) -> None:
    """Answer requests for ever."""
    await client.answer(job["uri"], payload.json_body(job["size"]), lambda: parent.say("ready"))


async def ask(client: Client, job: Job, parent: Parent) -> None:
    """Send requests one after the other, `pause_s` apart if it is given, and count the right answers."""
    expected = client.expected(payload.json_body(job["size"]))
    delays, right = array("q"), 0
    for _ in range(job["warm_up"]):
        await client.ask(job["uri"])
    for _ in range(job["count"]):
        before_ns = time.monotonic_ns()
        answer = await client.ask(job["uri"])
        delays.append(time.monotonic_ns() - before_ns)
        right += answer == expected
        if "pause_s" in job:
            await client.pause(job["pause_s"])
    parent.say("result", count=right, **in_us(delays))
