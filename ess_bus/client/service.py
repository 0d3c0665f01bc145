"""What `serve` does with a request: the handler's result is the answer, and its error a refusal."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ess_bus.errors import EssError, Refused
from ess_bus.message import Message

log = logging.getLogger(__name__)

Handler = Callable[[Message], Any]
AsyncHandler = Callable[[Message], Awaitable[Any]]


def is_request(message: Message) -> bool:
    """Tell whether a message is something to handle and to answer; pubs and replies are not."""
    return message.method != "pub" and not message.is_reply


@contextmanager
def refusals(message: Message) -> Iterator[list[str]]:
    """Run a handler inside; the list that is yielded holds the reason if it refused, or failed."""
    reasons: list[str] = []
    try:
        yield reasons
    except Refused as error:
        reasons.append(error.reason)
    except (EssError, ValueError) as error:
        reasons.append(str(error))
    except Exception as error:
        # One request that hits a defect must neither stop the owner nor leave the asker without an answer.
        log.exception("the handler of %s %s failed", message.method, message.uri)
        reasons.append(f"internal error: {type(error).__name__}")
