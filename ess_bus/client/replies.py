"""Replies: what one says, and how an error is written and read (fims.md A3.4)."""

from __future__ import annotations

from typing import Any

from ess_bus.client.pending import Pending
from ess_bus.errors import BusError, Busy, NoOneListening, ProtocolError, Refused
from ess_bus.message import Message, Status, error_body


def error_text(reply: Message) -> str:
    """Return the reason that an error reply gives, whatever the form of its body (fims.md A3.4)."""
    try:
        body = reply.json()
    except ValueError:
        return (reply.body or b"no reason given").decode(errors="replace")
    return str(body["error"]) if isinstance(body, dict) and "error" in body else str(body)


def error_reply(reply: Message, status: Status, reason: str) -> Message:
    """Return a reply with an error in the place of its body."""
    return reply._replace(body=error_body(reason), status=status)


def outcome_of(reply: Message, waiting: Pending) -> Message | BusError:
    """Return what a reply means for the request that waits for it: the reply itself, or an error."""
    if reply.status is None or reply.status is Status.OK:
        return reply
    if reply.status is Status.BUSY:
        return Busy(waiting.uri, reply.process_name)
    return Refused(waiting.uri, error_text(reply))


def undelivered(status: str, method: str, target: str, detail: str | None) -> BusError:
    """Return what the broker's report means that nobody got a message (docs/wire.md).

    Raises:
        ProtocolError: the status is none of those that the broker reports.
    """
    match status:
        case Status.NO_ONE_LISTENING:
            return NoOneListening(method, target)
        case Status.BUSY:
            return Busy(target, str(detail))
        case Status.DENIED:
            return Refused(target, str(detail), by_rule=True)
    raise ProtocolError(f"unknown status {status[:20]!r}")


def value_of(reply: Message) -> Any:
    """Return the JSON value of a reply.

    Raises:
        ProtocolError: whoever answered did not answer JSON.
    """
    try:
        return reply.json()
    except ValueError as error:
        raise ProtocolError(f"the answer of {reply.process_name} cannot be used: {error}") from None
