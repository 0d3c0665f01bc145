"""One owner per URI: whoever is about to answer for one looks first whether somebody does already."""

from __future__ import annotations

import logging

from ess_bus.client.blocking import Bus
from ess_bus.errors import Busy, EssError, NoOneListening, Refused, RequestTimeout

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
    hint = f"; {hint}" if hint else ""
    try:
        answer = bus.request("get", uri, timeout_s=TIMEOUT_S)
    except NoOneListening:
        return
    except (RequestTimeout, Busy) as error:
        log.warning("somebody else listens on %s: %s", uri, error)
        return
    except Refused as error:
        if error.by_rule:
            log.warning("whether somebody else answers for %s cannot be told: %s", uri, error.reason)
            return
        raise EssError(f"another process on {bus.endpoint} answers for {uri} already: {error.reason}{hint}") from None
    raise EssError(f"another process on {bus.endpoint} answers for {uri} already: {answer.process_name}{hint}")
