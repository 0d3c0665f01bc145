"""Waiting for a process to answer on its bus."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ess_bus.client import AsyncBus
from ess_bus.errors import Busy, Disconnected, NoOneListening, Refused, RequestTimeout
from tools.ess_site.output import OWN_NAME

_AGAIN_S = 0.05
_ANSWER_S = 1.0


async def until_answered(endpoint: str, uri: str) -> None:
    """Return as soon as `uri` answers on the bus at `endpoint`; wait for the bus too."""
    while True:
        with suppress(Disconnected):
            async with AsyncBus(endpoint, name=OWN_NAME) as bus:
                await _until_answered(bus, uri)
                return
        await asyncio.sleep(_AGAIN_S)


async def _until_answered(bus: AsyncBus, uri: str) -> None:
    while True:
        with suppress(NoOneListening, Busy, RequestTimeout):
            # An error is an answer as well.
            with suppress(Refused):
                await bus.request("get", uri, timeout_s=_ANSWER_S)
            return
        await asyncio.sleep(_AGAIN_S)
