"""`TwoPhases`: a command that waits until it may be sent, and then until the device shows it (engine.md 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """What is waited for."""

    SEND = "waits until it may be sent"
    CHECK = "waits for the response"


class Outcome(StrEnum):
    """What a look at the command has come to."""

    WAIT = "wait"
    SEND = "send it now"
    CONFIRMED = "confirmed"
    NOT_ALLOWED = "its condition was not met"
    NO_RESPONSE = "no response"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds.

    Attributes:
        send_hold_s, check_hold_s: the condition, or the response, must stand so long.
        send_s: how long the condition may be missing before the command is given up.
        check_s: how long the response may be missing before the command is repeated, or given up.
        tries: how often it is sent at most, 1 or more.
    """

    send_hold_s: float = 0.0
    send_s: float = 0.0
    check_hold_s: float = 0.0
    check_s: float = 10.0
    tries: int = 1


class TwoPhases:
    """One command under way. Each repetition needs its condition again.

    Args:
        patience: how long things may take.
        now_s: the steady clock.
    """

    def __init__(self, patience: Patience, now_s: float) -> None:
        self._patience = patience
        self._since_s = now_s
        self._held_s: float | None = None
        self.phase = Phase.SEND
        self.sent = 0

    def look(self, met: bool, now_s: float) -> Outcome:
        """Look whether something is to be done.

        Args:
            met: in phase SEND that the condition is met, in phase CHECK that the response is there.
            now_s: the steady clock.
        """
        patience, sending = self._patience, self.phase is Phase.SEND
        if met:
            self._held_s = now_s if self._held_s is None else self._held_s
            if now_s - self._held_s < (patience.send_hold_s if sending else patience.check_hold_s):
                return Outcome.WAIT
            if not sending:
                return Outcome.CONFIRMED
            self.sent += 1
            self._begin(Phase.CHECK, now_s)
            return Outcome.SEND
        self._held_s = None
        if now_s - self._since_s < (patience.send_s if sending else patience.check_s):
            return Outcome.WAIT
        if sending:
            return Outcome.NOT_ALLOWED
        if self.sent >= patience.tries:
            return Outcome.NO_RESPONSE
        self._begin(Phase.SEND, now_s)
        return Outcome.WAIT

    def _begin(self, phase: Phase, now_s: float) -> None:
        self.phase, self._since_s, self._held_s = phase, now_s, None
