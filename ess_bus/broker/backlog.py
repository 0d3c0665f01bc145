"""`Backlog`: the messages that wait for a client that does not keep up; bounded, and honest about what it drops.

Messages wait in order until a bound is reached. Then only the newest `pub` of each URI is kept, and if that is not
enough, the oldest pubs go. Commands and replies are never dropped: when they alone fill the backlog it `is_full`, and
the broker tells the senders of further ones.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from ess_bus import batch, control

# What a clearing leaves at most, as a part of the bounds: it looks at every message, so the next must not come soon.
_ROOM: Final = 3 / 4


class Backlog:
    """Frames in order.

    Args:
        most: how many frames may wait.
        most_bytes: how many bytes may.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self.is_full = False

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def size(self) -> int:
        """The bytes that wait."""
        return self._bytes

    def extend(self, frames: list[bytes]) -> int:
        """Add frames; return how many messages were dropped for it, here or earlier in the queue."""
        dropped = 0
        if self.is_full:
            taken = [frame for frame in frames if not (_is_pub(frame) or _is_control(frame))]
            dropped = sum(map(_is_pub, frames))
            frames = taken
        self._frames.extend(frames)
        self._bytes += sum(map(len, frames))
        if self._is_over(1) and not self.is_full:
            dropped += self._clear()
        return dropped

    def take(self) -> tuple[bytes, list[bytes]]:
        """Take out the next batch; return it as one frame, and the frames in it."""
        frame, count = batch.take(self._frames)
        taken = [self._frames.popleft() for _ in range(count)]
        self._bytes -= sum(map(len, taken))
        if self.is_full:
            self.is_full = self._is_over(_ROOM)
        return frame, taken

    def _is_over(self, part: float) -> bool:
        return len(self._frames) > part * self._most or self._bytes > part * self._most_bytes

    def _clear(self) -> int:
        """Keep the newest pub of each URI, and of those the newest that fit; return how many were dropped."""
        before = len(self._frames)
        seen: set[bytes] = set()
        kept: deque[bytes] = deque()
        for frame in reversed(self._frames):
            if _is_pub(frame):
                head = frame[: frame.find(0)]
                if head in seen:
                    continue
                seen.add(head)
            kept.appendleft(frame)
        self._frames, self._bytes = kept, sum(map(len, kept))
        if self._is_over(_ROOM):
            self._drop_oldest_pubs()
        self.is_full = self._is_over(1)
        return before - len(self._frames)

    def _drop_oldest_pubs(self) -> None:
        commands: deque[bytes] = deque()
        while self._frames and (
            len(self._frames) + len(commands) > _ROOM * self._most or self._bytes > _ROOM * self._most_bytes
        ):
            frame = self._frames.popleft()
            if _is_pub(frame):
                self._bytes -= len(frame)
            else:
                commands.append(frame)
        self._frames.extendleft(reversed(commands))


def _is_pub(frame: bytes) -> bool:
    return frame.startswith(b"pub ")


def _is_control(frame: bytes) -> bool:
    return frame[:1] == control.MARK
