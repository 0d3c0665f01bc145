"""Setting variables through the bridge, one after the other, and noting what it says of each set."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from typing import Final

from ess_bus.client import AsyncBus
from ess_bus.errors import BusError, Refused, RequestTimeout
from tools.soak.ledger import Ledger, Order, Reply
from tools.soak.site import Variable

_EVERY_S: Final = 0.2
_GIVEN_UP_AFTER_S: Final = 5.0


async def set_forever(bus: AsyncBus, variables: Sequence[Variable], ledger: Ledger, first: int) -> None:
    """Set these variables in turn to numbers that count up from `first`."""
    for number, variable in zip(itertools.count(first), itertools.cycle(variables), strict=False):
        words = variable.words(number % (1 << 16))
        sent_s = time.monotonic()
        reply, reason = await _set(bus, variable, words)
        ledger.add(Order(variable, words, sent_s, time.monotonic(), reply, reason))
        await asyncio.sleep(max(0.0, sent_s + _EVERY_S - time.monotonic()))


async def _set(bus: AsyncBus, variable: Variable, words: Sequence[int]) -> tuple[Reply, str]:
    try:
        await bus.set(variable.uri, variable.value(words), timeout_s=_GIVEN_UP_AFTER_S)
    except RequestTimeout as error:
        return Reply.UNKNOWN, str(error)
    except Refused as error:
        # A bridge that does not know whether a write had its effect says so in its reason.
        return (Reply.UNKNOWN if "unknown" in str(error) else Reply.FAILED), str(error)
    except BusError as error:
        return Reply.FAILED, str(error)
    return Reply.DONE, ""
