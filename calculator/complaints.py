"""`Complaints`: what is logged of results that are not valid: once an episode, however often it is calculated."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from ess_bus.reference import Reference

log = logging.getLogger(__name__)

# The same is said again after so long at the earliest, in seconds: a result may come and go ten times a second.
AGAIN_S: Final = 60.0
# More news at once than this are summed up: when an engine starts, nothing is known yet.
AT_ONCE: Final = 5
# Reasons that are remembered of one result.
_MOST: Final = 20


@dataclass(slots=True)
class _Episode:
    """What was said of one result: reason -> when."""

    said: dict[str, float] = field(default_factory=dict)
    reason: str = ""
    is_told: bool = False


class Complaints:
    """Gathers the news of one pass, and says what is new of it."""

    def __init__(self) -> None:
        self._episodes: dict[Reference, _Episode] = {}
        self._news: list[tuple[Reference, str]] = []
        self._good: list[Reference] = []

    def note(self, place: Reference, reason: str, now_s: float) -> None:
        """Take the outcome of a calculation: the reason why it has no result, or an empty one."""
        episode = self._episodes.get(place)
        if episode is None:
            if not reason:
                return
            episode = self._episodes[place] = _Episode()
        if reason == episode.reason:
            return
        episode.reason = reason
        if not reason:
            if episode.is_told:
                self._good.append(place)
            episode.is_told = False
        elif now_s - episode.said.get(reason, float("-inf")) >= AGAIN_S:
            if len(episode.said) >= _MOST:
                episode.said.clear()
            episode.said[reason] = now_s
            episode.is_told = True
            self._news.append((place, reason))

    def drop(self, place: Reference) -> None:
        """Forget what was wrong with a result that is not calculated any more; nothing of that is news."""
        episode = self._episodes.get(place)
        if episode is not None:
            episode.reason, episode.is_told = "", False

    def say(self) -> None:
        """Log what is new."""
        if len(self._news) > AT_ONCE:
            (place, reason), others = self._news[0], len(self._news) - 1
            log.warning("%s is not valid: %s; neither are %d others, each shows its reason", place, reason, others)
        for place, reason in self._news:
            log.log(
                logging.DEBUG if len(self._news) > AT_ONCE else logging.WARNING, "%s is not valid: %s", place, reason
            )
        if len(self._good) > AT_ONCE:
            log.info("%s and %d others are valid again", self._good[0], len(self._good) - 1)
        else:
            for place in self._good:
                log.info("%s is valid again", place)
        self._news.clear()
        self._good.clear()
