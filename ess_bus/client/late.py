"""`LateAnswers`: answers that were given while the broker was taken for lost; they leave with its next welcome.

Whoever has stood still for some seconds, or whose broker has, may read a request first and the welcome after it. Its
sender waits on the same broker and hears of nothing: without the answer it would wait until its time is over. Commands
are not kept, for they must not be carried out late; an answer carries nothing out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from ess_bus.message import REPLY_VERB

# Whoever asks does not wait for much longer, and an answer that nobody waits for any more is only old.
PATIENCE_S: Final = 10.0
MOST: Final = 10_000
MOST_BYTES: Final = 4 << 20
_START: Final = f"{REPLY_VERB} ".encode()


class LateAnswers:
    """Bounded in time, frames and bytes. The time is passed in."""

    def __init__(self) -> None:
        self._frames: deque[tuple[float, bytes]] = deque()
        self._size = 0

    def keep(self, frame: bytes, now: float) -> bool:
        """Keep an answer; tell whether there is room for it."""
        self._forget_before(now - PATIENCE_S)
        if len(self._frames) >= MOST or self._size + len(frame) > MOST_BYTES:
            return False
        self._frames.append((now, frame))
        self._size += len(frame)
        return True

    def keep_those_of(self, frames: Iterable[bytes], now: float) -> None:
        """Keep the answers among frames that will not be sent."""
        for frame in frames:
            if frame.startswith(_START):
                self.keep(frame, now)

    def take(self, now: float) -> list[bytes]:
        """Return what is not too old, in order, and forget everything."""
        self._forget_before(now - PATIENCE_S)
        taken = [frame for _, frame in self._frames]
        self._frames.clear()
        self._size = 0
        return taken

    def _forget_before(self, oldest: float) -> None:
        while self._frames and self._frames[0][0] < oldest:
            self._size -= len(self._frames.popleft()[1])
