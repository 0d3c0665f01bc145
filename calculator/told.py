"""`Told`: what the engine has of one result, and whether it has to be told the result again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from calculator.slots import MISSING

# Results closer than this are the same (the engine's own deadband).
DEADBAND: Final = 1e-8
# What was sent so long ago does not come back any more, in seconds.
ECHO_WITHIN_S: Final = 1.0
_MOST_SENT: Final = 16


@dataclass(slots=True)
class Told:
    """One result at the engine.

    The engine publishes what is set, but not always as it was set (``limits`` of the result's own actions), not each
    time, and not only what this calculator sets.

    Attributes:
        held: what the engine has.
        reason: the reason that it shows.
        adapts: whether it has made something else of a result.
        is_claimed: whether it was told anything: it withdraws the results of a calculator that is gone.
    """

    held: Any = MISSING
    reason: Any = None
    adapts: bool = False
    is_claimed: bool = False
    # What was set lately and has not come back yet, with the time.
    _sent: deque[tuple[float, Any]] = field(default_factory=lambda: deque(maxlen=_MOST_SENT))
    # (set, shown): what the engine has made of a result once, and what it has made of it twice.
    _answer: tuple[Any, Any] | None = None
    _kept: tuple[Any, Any] | None = None

    def needs(self, result: Any) -> bool:
        """Tell whether the engine shall be told a result."""
        return differ(self.held, result) and (self._kept is None or self._kept != (_key(result), _key(self.held)))

    def has_taken(self, value: Any, now_s: float) -> None:
        """Note that the engine has taken a value."""
        self._sent.append((now_s, value))
        self.held = value

    def shows(self, value: Any, now_s: float) -> bool:
        """Note what the engine shows; tell whether somebody else has set it."""
        sent = self._sent
        while sent and now_s - sent[0][0] > ECHO_WITHIN_S:
            sent.popleft()
        if sent and not differ(sent[-1][1], value):
            sent.clear()
            self.held = value
            return False
        if any(not differ(earlier, value) for _, earlier in sent):
            return False  # set before the last one, which is still to come back
        was, self.held = self.held, value
        if not sent:
            if was is not MISSING and not differ(was, value):
                return False
            self._answer = self._kept = None
            return True
        # Somebody was faster, or the engine makes this of it: what comes back a second time is the engine's.
        answer = (_key(sent[-1][1]), _key(value))
        sent.clear()
        if answer == self._answer:
            self._kept = answer
            self.adapts = True
            return False
        self._answer = answer
        return True


def differ(held: Any, result: Any) -> bool:
    """Tell whether a value is another one to the engine."""
    if held is MISSING or held is None or result is None:
        return held is not result
    if isinstance(held, str) or isinstance(result, str):
        return bool(held != result)
    return not isinstance(held, int | float) or bool(abs(held - result) > DEADBAND)


def _key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value
