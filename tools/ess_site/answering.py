"""Waiting for a process to answer on its bus."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Any

from ess_bus.client import AsyncBus, Timeouts
from ess_bus.errors import Busy, Disconnected, NoOneListening, Refused, RequestTimeout
from tools.ess_site.output import OWN_NAME

_AGAIN_S = 0.05
_ANSWER_S = 1.0
# The line "site up", or what a process logs, says how it goes.
_TIMEOUTS = Timeouts(say=math.inf)


async def until_answered(endpoint: str, uri: str, pid: int) -> None:
    """Return as soon as the process `pid` answers for `uri` on the bus at `endpoint`; wait for the bus too."""
    while True:
        with suppress(Disconnected):
            async with AsyncBus(endpoint, name=OWN_NAME, timeouts=_TIMEOUTS) as bus:
                await _until_answered(bus, uri, pid)
                return
        await asyncio.sleep(_AGAIN_S)


async def _until_answered(bus: AsyncBus, uri: str, pid: int) -> None:
    while True:
        with suppress(NoOneListening, Busy, RequestTimeout):
            if _is_from(await _answer(bus, uri), pid):
                return
        await asyncio.sleep(_AGAIN_S)


async def _answer(bus: AsyncBus, uri: str) -> Any:
    # An error is a sign of life too.
    with suppress(Refused, ValueError):
        return await bus.get(uri, timeout_s=_ANSWER_S)
    return None


def _is_from(answer: Any, pid: int) -> bool:
    """Tell whether `pid` answered: a process of the same name, or a broker on the same bus, may be another site's."""
    return not isinstance(answer, dict) or answer.get("pid", pid) == pid
