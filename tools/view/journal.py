"""The journal: what was asked for and what was answered, and what the engine tells of what happens."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple

from ess_bus.errors import BusError, EssError, Outcome
from tools.view.orders import Order
from tools.view.shown import Tone, plain

# Severities of /events from which on something is wrong, and from which on somebody should look.
_ALARM: Final = 3
_FAULT: Final = 4
_WORDS: Final = {
    Outcome.NOT_SENT: "not sent",
    Outcome.NOT_DELIVERED: "not delivered",
    Outcome.REFUSED: "refused",
    Outcome.UNKNOWN: "nobody knows whether it was carried out",
}


class Entry(NamedTuple):
    """A line of the journal."""

    at: datetime
    text: str
    tone: Tone = Tone.PLAIN


def sent(one: Order, at: datetime) -> Entry:
    """Say that an order is on its way."""
    return Entry(at, f"{one.label}: sent")


def taken(one: Order, at: datetime) -> Entry:
    """Say that the engine has taken it; what comes of it follows by itself."""
    return Entry(at, f"{one.label}: taken", Tone.GOOD)


def failed(one: Order, error: EssError, at: datetime) -> Entry:
    """Say why not, and what is known of it."""
    outcome = _WORDS[error.outcome] if isinstance(error, BusError) else "not sent"
    return Entry(at, f"{one.label}: {outcome}: {plain(error)}", Tone.BAD)


def left(text: str, at: datetime) -> Entry:
    """Say that nothing was sent, and why."""
    return Entry(at, text, Tone.BUSY)


def event(body: Any, at: datetime) -> Entry | None:
    """Return what an event says; ``None`` if it is none."""
    if not isinstance(body, dict) or not isinstance(body.get("message"), str):
        return None
    severity = body.get("severity")
    level = severity if isinstance(severity, int | float) else 0
    # A refusal is nothing bad, but who has pressed the key must not overlook it.
    is_refusal = " refused: " in body["message"]
    tone = Tone.BAD if level >= _FAULT else Tone.BUSY if level >= _ALARM or is_refusal else Tone.PLAIN
    return Entry(at, f"{plain(body.get('source', '?'), 20)}: {plain(body['message'])}", tone)
