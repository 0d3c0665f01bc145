"""How ``fims_send`` connects, waits and prints: in its own ways, and in those of its original (`original_send`)."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

from ess_bus.output import binary_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from ess_bus.client import Bus, Subscription
    from ess_bus.message import Message
    from tools.fims.jq_filter import Filter
    from tools.fims.order import Order

CONNECT_TIMEOUT_S = 2.0


def connect(order: Order) -> Bus:
    """Return the connection, not yet opened.

    Raises:
        Disconnected: what names the bus is not a bus.
    """
    from ess_bus.client import Bus, Timeouts  # the help page has no use for it

    timeouts = Timeouts(connect=CONNECT_TIMEOUT_S, request=order.timeout_s, say=math.inf)
    return Bus(order.bus, name="fims_send", username=order.user, timeouts=timeouts)


def answer_on(answers: Subscription, timeout_s: float, counts: Callable[[Message], bool]) -> Message | None:
    """Return the first message on the replyto that counts, or ``None`` if there is none in time."""
    deadline = time.monotonic() + timeout_s
    while (answer := answers.receive(max(0.0, deadline - time.monotonic()))) is not None:
        if counts(answer):
            return answer
    return None


def print_body(body: bytes | None, chosen: Filter | None) -> None:
    """Print an answer, as it is or filtered. No body and an empty one are the same: on the original's bus they were.

    Raises:
        ValueError: the filter cannot be applied to it.
        OSError: it cannot be printed.
    """
    if chosen is None:
        write((body or b"(null)") + b"\n")
    elif not body:
        raise ValueError("it has no body")
    else:
        for line in chosen.lines(body):
            write(line + b"\n")


def write(text: bytes) -> None:
    """Print, and see to it that it is printed.

    Raises:
        OSError: it cannot be.
    """
    output = binary_output()
    output.write(text)
    output.flush()


def complain(text: str) -> None:
    """Say in one line what is wrong."""
    sys.stderr.write(f"fims_send: {' '.join(text.split())}\n")
