"""`Answers`: who may answer whom, because it was asked: the replyto of a request needs no rule for a while."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from ess_bus.uri import normal

ANSWER_WITHIN_S: Final = 60.0
MAX_GRANTS: Final = 20_000


class _Grant(NamedTuple):
    asker: bytes
    until: float


class Answers:
    """Grants to (replyto, user), bounded in time and number; the oldest make room for new ones."""

    def __init__(self) -> None:
        self._grants: OrderedDict[tuple[str, str], _Grant] = OrderedDict()

    def grant(self, replyto: str, asker: bytes, users: Iterable[str], now: float) -> None:
        """Let these users answer a request of the connection `asker` for a minute."""
        for user in users:
            key = normal(replyto), user
            # In the order of time, so that the first are the oldest.
            self._grants.pop(key, None)
            self._grants[key] = _Grant(asker, now + ANSWER_WITHIN_S)
        self.expire(now)

    def expire(self, now: float) -> None:
        """Forget what is over, or too much."""
        while self._grants:
            oldest = next(iter(self._grants))
            if self._grants[oldest].until > now and len(self._grants) <= MAX_GRANTS:
                return
            del self._grants[oldest]

    def asker(self, replyto: str, user: str, now: float) -> bytes | None:
        """Return the connection that waits for an answer of `user` at this replyto."""
        grant = self._grants.get((normal(replyto), user))
        return grant.asker if grant is not None and grant.until > now else None
