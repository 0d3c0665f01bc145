"""Which messages of a recording are wanted: by URI, by method, by time. No I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ess_bus.message import METHODS, Message
from ess_bus.uri import check, is_under

_UNITS: Final = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a recording: a time on the wall, or one that is counted from the first message.

    Attributes:
        us: microseconds since 1970, or since the first message.
        is_relative: which of them.
    """

    us: int
    is_relative: bool

    def after(self, first_us: int) -> int:
        """Return it as microseconds since 1970, in a recording that starts at `first_us`."""
        return first_us + self.us if self.is_relative else self.us


@dataclass(frozen=True, slots=True)
class Selection:
    """What is wanted.

    Attributes:
        uris: these and what is below them.
        without: but not these and what is below them.
        methods: only these; an answer is none of them.
        not_by: but nothing that processes of these names sent.
        since, until: from when, and up to but not including when; ``None`` is all.
    """

    uris: tuple[str, ...] = ("/",)
    without: tuple[str, ...] = ()
    methods: frozenset[str] = METHODS
    since: Moment | None = None
    until: Moment | None = None
    not_by: tuple[str, ...] = ()

    def takes(self, topic: Message) -> bool:
        """Tell whether messages like this one are wanted, whenever they were sent."""
        wanted = any(is_under(topic.uri, prefix) for prefix in self.uris)
        return (
            wanted
            and topic.method in self.methods
            and not topic.is_reply
            and topic.process_name not in self.not_by
            and not any(is_under(topic.uri, prefix) for prefix in self.without)
        )


def moment(text: str) -> Moment:
    """Return the moment that ``+90s``, ``+1.5h``, ``2026-01-31T12:00`` or ``2026-01-31 12:00:00+01:00`` means.

    Without a zone, it is the local time, as ``fims_listen`` prints it.

    Raises:
        ValueError: it is none of these.
    """
    relative = re.fullmatch(r"\+(\d{1,12}(?:\.\d{1,9})?)(s|m|min|h|d)?", text)
    if relative is not None:
        return Moment(round(float(relative[1]) * _UNITS[relative[2] or ""] * 1_000_000), is_relative=True)
    try:
        found = datetime.fromisoformat(text).astimezone()
        return Moment(int(found.timestamp()) * 1_000_000 + found.microsecond, is_relative=False)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{text!r}: expected a time such as 2026-01-31T12:00:00, or +90s, +5min, +1h from the first message"
        ) from None


def methods(text: str, allowed: frozenset[str]) -> frozenset[str]:
    """Return the methods of a list such as ``pub,set``.

    Raises:
        ValueError: one of them is none of `allowed`.
    """
    found = frozenset(part.strip() for part in text.split(","))
    if not found <= allowed:
        wrong = ", ".join(repr(name) for name in sorted(found - allowed))
        raise ValueError(f"{wrong}: expected some of {', '.join(sorted(allowed))}, with commas between them")
    return found


def uris(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return them, checked.

    Raises:
        UriError: one cannot be routed.
    """
    return tuple(check(text) for text in texts)
