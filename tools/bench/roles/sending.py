"""Publishers: at full speed, and at a fixed rate."""

from __future__ import annotations

import time
from typing import Final

from tools.bench import payload
from tools.bench.pacing import Schedule
from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client

_AGAIN_S: Final = 0.02


async def flood(client: Client, job: Job, parent: Parent) -> None:
    """Publish as fast as the client takes it."""
    body = b"." * job["size"]
    await _probe(client, job, parent)
    parent.say("started", started_ns=time.monotonic_ns())
    await client.flood(job["uri"], body, job["count"])
    await _end(client, job)


async def pace(client: Client, job: Job, parent: Parent) -> None:
    """Publish at a fixed rate, each message with the moment it was due."""
    await _probe(client, job, parent)
    await _keep(client, job, parent)
    await _end(client, job)


async def pace_once(client: Client, job: Job, parent: Parent) -> None:
    """The same, but say the end once, so that every message is accounted for."""
    probes = await _probe(client, job, parent)
    await _keep(client, job, parent)
    await _say(client, job, payload.END)
    parent.say("result", sent=probes + job["schedule"]["count"] + 1)


async def _keep(client: Client, job: Job, parent: Parent) -> None:
    schedule = Schedule(**job["schedule"])
    uris = [f"{job['uri']}/{index}" for index in range(schedule.uris)] if schedule.uris > 1 else [job["uri"]]
    started_ns = time.monotonic_ns()
    parent.say("started", started_ns=started_ns)
    for number in range(schedule.count):
        due_ns = started_ns + schedule.due_ns(number)
        await client.pause(max(0, due_ns - time.monotonic_ns()) / 1e9)
        await client.publish(uris[schedule.uri(number)], payload.stamped(due_ns, number, job["size"]))


async def _probe(client: Client, job: Job, parent: Parent) -> int:
    """Publish until the receivers have seen it, for not every broker acknowledges subscriptions; return how often."""
    probes = 0
    while not parent.told("go"):
        await _say(client, job, payload.PROBE)
        probes += 1
    return probes


async def _end(client: Client, job: Job) -> None:
    """Say that nothing follows, again and again: where messages can be lost, this one can be too. We are ended then."""
    while True:
        await _say(client, job, payload.END)


async def _say(client: Client, job: Job, kind: bytes) -> None:
    await client.publish(job["uri"], kind + str(job["number"]).encode())
    await client.pause(_AGAIN_S)
