"""`AlarmBook`: the alarms and faults of a site, and who has acknowledged them when.

One that is over stays in the list until somebody has acknowledged it, so that nothing passes unseen. What the engine
cannot be asked about any more is neither standing nor over: its state is not known.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MAX_ALARMS: Final = 1000


class Standing(StrEnum):
    """Whether an alarm stands."""

    ACTIVE = "active"
    OVER = "over"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Alarm:
    """One alarm or fault; times are seconds since 1970.

    Attributes:
        number: what an acknowledgement names.
        uri: the list in which it stands.
        kind: ``alarm`` or ``fault``.
        asset: of what, for people.
        text: what the engine says.
        since: when it was first seen here.
        standing: whether it stands.
        until: when it was over.
        by: who has acknowledged it; "" is nobody.
        acknowledged: when.
    """

    number: int
    uri: str
    kind: str
    asset: str
    text: str
    since: float
    standing: Standing = Standing.ACTIVE
    until: float | None = None
    by: str = ""
    acknowledged: float | None = None

    def shown(self) -> dict[str, Any]:
        """Return it as the page gets it."""
        return {name: getattr(self, name) for name in self.__slots__}


class AlarmBook:
    """Kept while the process lives, and the same for all pages."""

    def __init__(self, most: int = MAX_ALARMS) -> None:
        self._alarms: dict[tuple[str, str], Alarm] = {}
        self._numbers = itertools.count(1)
        self._most = most
        self.left_out = 0

    def update(self, uri: str, kind: str, asset: str, texts: list[str] | None, now: float) -> bool:
        """Take the texts that stand in a list, ``None`` if nobody knows; tell whether anything is other than before."""
        before = self.shown()
        own = [alarm for (at, _), alarm in self._alarms.items() if at == uri]
        if texts is None:
            for alarm in own:
                if alarm.standing is Standing.ACTIVE:
                    alarm.standing = Standing.UNKNOWN
            return self.shown() != before
        for alarm in own:
            if alarm.text not in texts and alarm.standing is not Standing.OVER:
                self._end(alarm, now)
        for text in texts:
            self._raise(uri, kind, asset, text, now)
        return self.shown() != before

    def acknowledge(self, numbers: set[int], who: str, now: float) -> int:
        """Note that somebody has seen these; return how many nobody had acknowledged before."""
        fresh = [alarm for alarm in self._alarms.values() if alarm.number in numbers and not alarm.by]
        for alarm in fresh:
            alarm.by, alarm.acknowledged = who, now
            if alarm.standing is Standing.OVER:
                del self._alarms[alarm.uri, alarm.text]
        return len(fresh)

    def shown(self) -> list[dict[str, Any]]:
        """Return all of them, the newest first, faults before alarms."""
        ordered = sorted(self._alarms.values(), key=lambda one: (one.kind != "fault", -one.since, -one.number))
        return [alarm.shown() for alarm in ordered]

    def _end(self, alarm: Alarm, now: float) -> None:
        alarm.standing, alarm.until = Standing.OVER, now
        if alarm.by:
            del self._alarms[alarm.uri, alarm.text]

    def _raise(self, uri: str, kind: str, asset: str, text: str, now: float) -> None:
        known = self._alarms.get((uri, text))
        if known is not None and known.standing is not Standing.OVER:
            known.standing = Standing.ACTIVE
            return
        if known is None and len(self._alarms) >= self._most and not self._make_room():
            self.left_out += 1
            return
        # One that comes again before anybody has seen the first: what counts is when it began now.
        self._alarms[uri, text] = Alarm(next(self._numbers), uri, kind, asset, text, now)

    def _make_room(self) -> bool:
        over = [key for key, alarm in self._alarms.items() if alarm.standing is Standing.OVER]
        if over:
            del self._alarms[over[0]]
            self.left_out += 1
        return bool(over)
