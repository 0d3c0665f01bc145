"""What the bridges of a large site publish: tables of values, all at once, again and again."""

from __future__ import annotations

import json
import time

from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client


async def publish_tables(client: Client, job: Job, parent: Parent) -> None:
    """Publish `tables` of `values` each, all of which change every `every_s`, until it is told to stop."""
    names = [f"value_{one}" for one in range(job["values"])]
    due, rounds = time.monotonic(), 0
    while not parent.told("stop"):
        body = json.dumps(dict.fromkeys(names, rounds)).encode()
        for table in range(job["tables"]):
            await client.publish(f"{job['uri']}_{table}", body)
        rounds += 1
        due += job["every_s"]
        await client.pause(max(0.0, due - time.monotonic()))
    parent.say("result", count=rounds)
