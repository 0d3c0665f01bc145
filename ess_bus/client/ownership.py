"""One owner per URI: whoever is about to answer for one looks first whether somebody does already."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection

from ess_bus.client.asynchronous import AsyncBus
from ess_bus.client.blocking import Bus
from ess_bus.errors import BusError, Busy, EssError, NoOneListening, Refused, RequestTimeout
from ess_bus.message import Message

log = logging.getLogger(__name__)

TIMEOUT_S = 1.0


def require_unowned(bus: Bus, uri: str, hint: str = "") -> None:
    """Return if nobody answers for `uri`.

    Args:
        bus: an open connection.
        uri: below what shall be owned.
        hint: what to do about it, for the error.

    Raises:
        EssError: somebody does; two owners would answer by turns.
    """
    outcome: Message | BusError
    try:
        outcome = bus.request("get", uri, timeout_s=TIMEOUT_S)
    except BusError as error:
        outcome = error
    if doubt := _doubt(outcome, uri, bus.endpoint, hint):
        log.warning(doubt)


async def require_all_unowned(bus: AsyncBus, uris: Collection[str], hint: str = "") -> None:
    """Return if nobody answers for any of `uris`; see `require_unowned`. Doubts about several are one line."""

    async def ask(uri: str) -> str | None:
        outcome: Message | BusError
        try:
            outcome = await bus.request("get", uri, timeout_s=TIMEOUT_S)
        except BusError as error:
            outcome = error
        return _doubt(outcome, uri, bus.endpoint, hint)

    doubts = [doubt for doubt in await asyncio.gather(*map(ask, uris)) if doubt]
    if doubts:
        more = f" (and {len(doubts) - 1} more like this)" if len(doubts) > 1 else ""
        log.warning("%s%s", doubts[0], more)


def _doubt(outcome: Message | BusError, uri: str, endpoint: str, hint: str) -> str | None:
    """Return why it cannot be told whether somebody answers for `uri`, or ``None`` if nobody does."""
    hint = f"; {hint}" if hint else ""
    match outcome:
        case NoOneListening():
            return None
        case RequestTimeout() | Busy():
            return f"somebody else listens on {uri}: {outcome}"
        case Refused(by_rule=True, reason=reason):
            return f"whether somebody else answers for {uri} cannot be told: {reason}"
        case Refused(reason=reason):
            raise EssError(f"another process on {endpoint} answers for {uri} already: {reason}{hint}")
        case Message(process_name=name):
            raise EssError(f"another process on {endpoint} answers for {uri} already: {name}{hint}")
    raise outcome
