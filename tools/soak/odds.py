"""What the device does wrong during a soak. No I/O."""

from __future__ import annotations

from typing import Final

from tools.awkward import Misdeed, Odds

# About every sixtieth request: an episode or two a second, so that the bridge is well most of the time, and falls ill
# in every state that it can be in.
_ODDS: Final = {
    Misdeed.REFUSE: 0.004,
    Misdeed.STALL: 0.001,
    Misdeed.CLOSE: 0.002,
    Misdeed.CUT: 0.001,
    Misdeed.LATE: 0.002,
    Misdeed.GARBAGE: 0.001,
    Misdeed.SHORT: 0.001,
    Misdeed.WRONG_COUNT: 0.001,
    Misdeed.WRONG_UNIT: 0.001,
    Misdeed.WRONG_TRANSACTION: 0.001,
    Misdeed.WRONG_FUNCTION: 0.001,
    Misdeed.WRONG_ECHO: 0.03,
    Misdeed.DUPLICATE: 0.002,
    Misdeed.STRAY: 0.001,
    Misdeed.SPLIT: 0.01,
}
_OF_CONNECTIONS: Final = {Misdeed.HANG_UP: 0.05, Misdeed.DEAF: 0.02}
# "Busy" and "device failure" are what devices say in daily life, so they come more often.
_CODES: Final = (1, 2, 3, 4, 4, 4, 4, 5, 6, 6, 6, 6, 10, 11)


# Above that, the probabilities add up to more than 1.
MOST_ROUGH: Final = 10.0


def plan(seed: int, rough: float = 1.0) -> Odds:
    """Return the plan; the same seed makes the same misdeeds.

    Args:
        seed: where all chance begins.
        rough: what the probabilities per request are multiplied by, from 0 to `MOST_ROUGH`.
    """
    # Not those per connection: a bridge that finds nobody there pauses, and nothing else would be tried any more.
    odds = {misdeed: chance * rough for misdeed, chance in _ODDS.items()}
    return Odds(odds | _OF_CONNECTIONS, seed=seed, codes=_CODES)
