"""Requests of ours, each with a replyto URI that is never used again."""

from __future__ import annotations

import time
from typing import Final

from tools.bench.parent import Job, Parent
from tools.bench.peers.base import Client
from tools.bench.peers.ours import bus_of

_REPLIES: Final = "/bench/replies"
# Requests under way at the same time.
_WINDOW: Final = 200
_TIMEOUT_S: Final = 10.0


async def ask_one_shot(client: Client, job: Job, parent: Parent) -> None:
    """Keep a window of requests under way until all are sent, and count the answers."""
    bus, uri, count, answered = bus_of(client), job["uri"], job["count"], 0
    parent.counted = lambda: {"count": answered, "rate": 0.0}
    with bus.subscribe(_REPLIES) as replies:
        parent.say("ready")
        parent.until_told("go")
        began = time.monotonic()
        for number in range(count):
            if number - answered >= _WINDOW:
                answered += replies.receive(_TIMEOUT_S) is not None
            bus.send("get", uri, replyto=f"{_REPLIES}/{number}")
        while answered < count and replies.receive(_TIMEOUT_S) is not None:
            answered += 1
        rate = answered / (time.monotonic() - began)
    parent.say("result", count=answered, rate=rate)
