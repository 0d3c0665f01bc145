"""One owner per URI: whoever is about to answer for one looks first whether somebody does already.

Somebody who hangs cannot tell. Who starts beside him goes on asking, and ends when he answers after all: two owners
would answer by turns, and both would command the same devices. The one that came later ends, for it was told so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Collection

from ess_bus.client.asynchronous import AsyncBus
from ess_bus.client.blocking import Bus
from ess_bus.client.pending import Pending
from ess_bus.errors import BusError, Busy, Disconnected, EssError, NoOneListening, Refused, RequestTimeout
from ess_bus.message import Message

log = logging.getLogger(__name__)

TIMEOUT_S = 1.0
# Somebody who has not answered is asked again after this long: what he was asked may have been lost meanwhile.
ASK_AGAIN_S = 10.0


def require_unowned(bus: Bus, uri: str, hint: str = "") -> bool:
    """Return if nobody answers for `uri`; ``False`` if somebody listens who may yet.

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
    doubt = _doubt(outcome, uri, bus.endpoint, hint)
    if doubt:
        log.warning(doubt)
    return not doubt


class Rivals:
    """Those who might answer for what a process owns: they listened, and did not answer when it started."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        # URI -> (what was asked, when it is asked again).
        self._asked: dict[str, tuple[Pending | EssError | None, float]] = {}

    def require_unowned(self, uri: str, hint: str = "") -> None:
        """As the function of this name; who may answer yet is remembered."""
        if not require_unowned(self._bus, uri, hint):
            self._asked[uri] = (None, 0.0)

    def check(self, now_s: float) -> None:
        """Look whether one of them has answered; waits for nothing, and is to be called often.

        Raises:
            EssError: somebody has; this process has to end.
        """
        for uri, (asked, again_s) in list(self._asked.items()):
            if isinstance(asked, Pending) and asked.done:
                outcome = asked.outcome
                if not _may_answer(outcome if outcome is not None else Message("set", uri), uri, self._bus.endpoint):
                    del self._asked[uri]
                    continue
                self._asked[uri] = (None, again_s)
            if now_s >= again_s:
                if isinstance(asked, Pending):
                    self._bus.give_up(asked)
                self._asked[uri] = (self._bus.begin(uri), now_s + ASK_AGAIN_S)


async def watch(bus: AsyncBus, uris: Collection[str]) -> None:
    """Ask those who may answer for `uris` yet, until nobody listens there any more.

    Raises:
        EssError: somebody has answered; this process has to end.
    """

    async def ask(uri: str) -> None:
        outcome: Message | BusError
        while True:
            begun_s = time.monotonic()
            try:
                outcome = await bus.request("get", uri, timeout_s=ASK_AGAIN_S)
            except BusError as error:
                outcome = error
            if not _may_answer(outcome, uri, bus.endpoint):
                return
            await asyncio.sleep(max(0.0, min(TIMEOUT_S, begun_s + ASK_AGAIN_S - time.monotonic())))

    await asyncio.gather(*map(ask, uris))


def _may_answer(outcome: Message | BusError, uri: str, endpoint: str) -> bool:
    """Tell whether somebody may answer for `uri` yet.

    Raises:
        EssError: somebody has.
    """
    if isinstance(outcome, Disconnected):
        return True
    try:
        return _doubt(outcome, uri, endpoint, "") is not None
    except BusError:  # whatever it is, it is no answer
        return True
    except EssError as error:
        raise EssError(f"{error}, which did not answer when this process was started; this one ends") from None


async def require_all_unowned(bus: AsyncBus, uris: Collection[str], hint: str = "") -> list[str]:
    """Return if nobody answers for any of `uris`; see `require_unowned`. Doubts about several are one line.

    Returns:
        Those for which somebody listens who may answer yet; `watch` tells when he does.
    """

    async def ask(uri: str) -> str | None:
        outcome: Message | BusError
        try:
            outcome = await bus.request("get", uri, timeout_s=TIMEOUT_S)
        except BusError as error:
            outcome = error
        return _doubt(outcome, uri, bus.endpoint, hint)

    outcomes = await asyncio.gather(*map(ask, uris))
    doubts = [doubt for doubt in outcomes if doubt]
    if doubts:
        more = f" (and {len(doubts) - 1} more like this)" if len(doubts) > 1 else ""
        log.warning("%s%s", doubts[0], more)
    return [uri for uri, doubt in zip(uris, outcomes, strict=True) if doubt]


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
