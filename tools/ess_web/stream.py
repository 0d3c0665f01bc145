"""The stream of a page: server-sent events, each with all that has changed since the one before.

The next event is made when the browser has taken the last one. A slow one gets fewer, and never older values.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import orjson

from tools.ess_web.access import Session
from tools.ess_web.hub import Hub

# A page that hears nothing for some of these knows that nobody is there.
BEAT_S: Final = 1.0


def event(said: Mapping[str, Any]) -> bytes:
    """Return one server-sent event; JSON has no line breaks."""
    return b"data: " + orjson.dumps(said) + b"\n\n"


async def events(hub: Hub, session: Session, every_s: float, wanted: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Open a page and yield what it has to be told, until it is not wanted any more; then the page is forgotten."""
    page = hub.open(session)
    try:
        yield event({"hello": page.key, "now": time.monotonic()})
        told = time.monotonic()
        while wanted():
            now = time.monotonic()
            said = hub.frame(page, now)
            if said is not None:
                yield event(said)
            elif now - told >= BEAT_S:
                yield event({"now": now})
            if said is not None or now - told >= BEAT_S:
                told = now
            await asyncio.sleep(every_s)
    finally:
        hub.close(page)
