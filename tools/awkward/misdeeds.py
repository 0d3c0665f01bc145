"""What the device does wrong, and when: `Odds` by chance (seeded, so that a run can be repeated), `Script` in order."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from tools.awkward.frames import Request


class Misdeed(StrEnum):
    """How a request is answered, or (the last two) what becomes of a connection."""

    NONE = "none"
    REFUSE = "refuse"
    STALL = "stall"
    CLOSE = "close"
    CUT = "cut"
    LATE = "late"
    GARBAGE = "garbage"
    SHORT = "short"
    WRONG_COUNT = "wrong-count"
    WRONG_UNIT = "wrong-unit"
    WRONG_TRANSACTION = "wrong-transaction"
    WRONG_FUNCTION = "wrong-function"
    WRONG_ECHO = "wrong-echo"
    DUPLICATE = "duplicate"
    STRAY = "stray"
    SPLIT = "split"
    HANG_UP = "hang-up"
    DEAF = "deaf"


MEANINGS: Final = {
    Misdeed.REFUSE: "answer with an exception of --codes",
    Misdeed.STALL: "never answer; a write may have been carried out or not",
    Misdeed.CLOSE: "close the connection instead of an answer; a write may have been carried out or not",
    Misdeed.CUT: "close the connection in the middle of the answer",
    Misdeed.LATE: "answer --late-after seconds later",
    Misdeed.GARBAGE: "answer random bytes",
    Misdeed.SHORT: "answer one register less than asked for, in a frame that is right in itself",
    Misdeed.WRONG_COUNT: "answer with a byte count that contradicts the frame",
    Misdeed.WRONG_UNIT: "answer in the name of another unit, with its values",
    Misdeed.WRONG_TRANSACTION: "answer another transaction, with the values of other addresses",
    Misdeed.WRONG_FUNCTION: "answer another function",
    Misdeed.WRONG_ECHO: "confirm another write than the one that was asked for",
    Misdeed.DUPLICATE: "answer twice",
    Misdeed.STRAY: "send a frame that nobody asked for before the answer",
    Misdeed.SPLIT: "send the answer in single bytes",
    Misdeed.HANG_UP: "close a new connection at once",
    Misdeed.DEAF: "accept a new connection and never answer on it",
}
OF_CONNECTIONS: Final = (Misdeed.HANG_UP, Misdeed.DEAF)
# After these a client may use what it was told: somewhere in it is the right answer, in time.
GOOD: Final = frozenset((Misdeed.NONE, Misdeed.DUPLICATE, Misdeed.STRAY, Misdeed.SPLIT))
# Whether a write is carried out all the same; after the others that depend on chance it always is.
_UNCERTAIN: Final = frozenset((Misdeed.STALL, Misdeed.CLOSE))
CODES: Final = (1, 2, 3, 4, 5, 6, 10, 11)


@dataclass(frozen=True, slots=True)
class Deed:
    """What becomes of one request.

    Attributes:
        misdeed: how it is answered.
        code: the exception, for `Misdeed.REFUSE`.
        carried_out: whether a write has its effect; never after a refusal.
        seed: what the details (garbage, where to cut) are made from.
    """

    misdeed: Misdeed = Misdeed.NONE
    code: int = 4
    carried_out: bool = True
    seed: int = 0


class Plan(Protocol):
    """Decides what goes wrong."""

    def connected(self) -> Misdeed:
        """Return what becomes of a new connection: one of `OF_CONNECTIONS`, or none."""

    def asked(self, request: Request, /) -> Deed:
        """Return what becomes of a request."""


class Odds:
    """Each misdeed by its own probability, from 0 to 1; what they leave over is answered rightly."""

    def __init__(
        self, odds: Mapping[Misdeed, float] | None = None, *, seed: int = 0, codes: Sequence[int] = CODES
    ) -> None:
        """Take `odds` per request (those of `OF_CONNECTIONS` per connection), the seed of all chance, and `codes`.

        Raises:
            ValueError: a probability is not one, or they add up to more than 1.
        """
        odds = odds or {}
        per_request: list[Misdeed] = [misdeed for misdeed in odds if misdeed not in OF_CONNECTIONS]
        self._requests = {misdeed: odds[misdeed] for misdeed in per_request}
        self._connections = {misdeed: odds[misdeed] for misdeed in OF_CONNECTIONS if misdeed in odds}
        for chances in (self._requests, self._connections):
            if any(not 0 <= chance <= 1 for chance in chances.values()) or sum(chances.values()) > 1 + 1e-9:
                raise ValueError("expected probabilities from 0 to 1 that add up to 1 at most")
        self._codes = tuple(codes)
        self._random = random.Random(seed)

    def connected(self) -> Misdeed:
        """See `Plan.connected`."""
        return self._draw(self._connections)

    def asked(self, _request: Request, /) -> Deed:
        """See `Plan.asked`."""
        misdeed = self._draw(self._requests)
        if misdeed is Misdeed.NONE:
            return Deed()
        carried_out = misdeed is not Misdeed.REFUSE and (misdeed not in _UNCERTAIN or self._random.random() < 0.5)
        return Deed(misdeed, self._random.choice(self._codes), carried_out, self._random.getrandbits(32))

    def _draw(self, chances: Mapping[Misdeed, float]) -> Misdeed:
        left = self._random.random()
        for misdeed, chance in chances.items():
            left -= chance
            if left < 0:
                return misdeed
        return Misdeed.NONE


class Script:
    """Deeds in their order, then nothing wrong any more."""

    def __init__(self, deeds: Iterable[Deed | Misdeed] = (), *, connections: Iterable[Misdeed] = ()) -> None:
        self._deeds = deque(deed if isinstance(deed, Deed) else _plain(deed) for deed in deeds)
        self._connections = deque(connections)

    def connected(self) -> Misdeed:
        """See `Plan.connected`."""
        return self._connections.popleft() if self._connections else Misdeed.NONE

    def asked(self, _request: Request, /) -> Deed:
        """See `Plan.asked`."""
        return self._deeds.popleft() if self._deeds else Deed()


def _plain(misdeed: Misdeed) -> Deed:
    return Deed(misdeed, carried_out=misdeed is not Misdeed.REFUSE)
