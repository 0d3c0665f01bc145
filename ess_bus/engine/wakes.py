"""`Wakes`: what wants to be looked at again at a certain time, such as a limit that must not be exceeded for 2.5 s."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable
from typing import Final

from ess_bus.engine.timing import NEVER, SLACK_S

# Waking what wakes itself again at once must end; the rest is done in the next turn.
MAX_WAKES: Final = 10_000


class Wakes:
    """Calls back once at a time of the steady clock; a part of `Engine.timed`.

    Args:
        steady_s: tells the time.
    """

    def __init__(self, steady_s: Callable[[], float]) -> None:
        self._steady_s = steady_s
        self._wanted: dict[Hashable, tuple[float, Callable[[], None]]] = {}
        # (time, number, key); one that is earlier than what is wanted by now is put back when it comes up.
        self._queue: list[tuple[float, int, Hashable]] = []
        self._queued: dict[Hashable, float] = {}
        self._number = 0

    def at(self, key: Hashable, time_s: float, act: Callable[[], None]) -> None:
        """Call `act` at a time, in the place of what this key wanted before; never with `NEVER`."""
        if time_s == NEVER:
            self._wanted.pop(key, None)
            return
        self._wanted[key] = time_s, act
        if time_s < self._queued.get(key, NEVER):
            self._push(key, time_s)

    def due_s(self) -> float:
        """Return when the next call is due."""
        while self._queue:
            time_s, _, key = self._queue[0]
            wanted = self._wanted.get(key)
            if wanted is not None and wanted[0] <= time_s:
                return time_s
            # Nothing is wanted, or only later.
            heapq.heappop(self._queue)
            if self._queued.get(key) == time_s:
                del self._queued[key]
                if wanted is not None:
                    self._push(key, wanted[0])
        return NEVER

    def run(self) -> None:
        """Make the calls that are due."""
        for _ in range(MAX_WAKES):
            if self.due_s() > self._steady_s() + SLACK_S:
                return
            _, _, key = heapq.heappop(self._queue)
            self._queued.pop(key, None)
            self._wanted.pop(key)[1]()

    def _push(self, key: Hashable, time_s: float) -> None:
        self._number += 1
        self._queued[key] = time_s
        heapq.heappush(self._queue, (time_s, self._number, key))
