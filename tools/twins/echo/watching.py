"""Heartbeats that a device shows, and those that it expects."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

from tools.twins.echo.binding import Effect
from tools.twins.echo.registers import Held, carry_out, planned


@dataclass(slots=True)
class Counter:
    """A heartbeat that is shown."""

    register: Held
    period_s: float
    modulo: int
    _passed_s: float = 0.0

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed_s += seconds
        beats = int(self._passed_s / self.period_s)
        self._passed_s -= beats * self.period_s
        self.register.held = (int(self.register.held) + beats) % self.modulo


@dataclass(slots=True)
class Watch:
    """A heartbeat that is expected, from its first one on."""

    name: str
    register: Held
    timeout_s: float
    timeout_register: Held | None
    lost: tuple[Effect, ...]
    back: tuple[Effect, ...]
    _last: Any = field(default=None, init=False)
    _silent_s: float = field(default=0.0, init=False)
    _is_armed: bool = field(default=False, init=False)
    _is_lost: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._last = self.register.held

    def advance(self, seconds: float) -> None:
        """Let time pass; act when the heartbeat is lost, and when it is back."""
        if self.register.held != self._last:
            self._last, self._silent_s, self._is_armed = self.register.held, 0.0, True
            if self._is_lost:
                self._is_lost = False
                self._act(self.back)
            return
        self._silent_s += seconds
        timeout_s = float(self.timeout_register.held) if self.timeout_register is not None else self.timeout_s
        if self._is_armed and not self._is_lost and timeout_s > 0 and self._silent_s >= timeout_s:
            self._is_lost = True
            self._act(self.lost)

    def _act(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            # One that has no result for this heartbeat sets nothing; the others still do.
            with contextlib.suppress(ValueError):
                carry_out(planned(self.name, (effect,), self._last))
