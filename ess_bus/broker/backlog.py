"""`Backlog`: the messages that wait for a client that does not keep up; bounded, and honest about what it drops.

Messages wait in order until a bound is reached. From then on, until all of them have gone, only the newest `pub` of
each URI is kept, and if that is not enough, the oldest pubs go. Commands and replies are never dropped: when they alone
fill the backlog it `is_full`, and the broker tells the senders of further ones.
"""

from __future__ import annotations

from collections import OrderedDict, deque

from ess_bus import batch, control
from ess_bus.control import Verb


class Backlog:
    """Frames in order.

    Args:
        most: how many frames may wait.
        most_bytes: how many bytes may.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._frames: deque[bytes] = deque()
        # In the place of `_frames` once a bound was reached; None before.
        self._newest: _Newest | None = None
        self._bytes = 0
        self.is_full = False

    def __len__(self) -> int:
        return len(self._frames) if self._newest is None else len(self._newest)

    @property
    def size(self) -> int:
        """The bytes that wait."""
        return self._bytes

    @property
    def fill(self) -> float:
        """How much of its bounds is taken: 1 when the next message would cost an older one."""
        return max(len(self) / self._most, self._bytes / self._most_bytes)

    def extend(self, frames: list[bytes]) -> int:
        """Add frames; return how many messages were dropped for it, here or earlier in the queue."""
        unsaid = 0
        if self.is_full:
            # What the broker itself has to say is left out. What became of a command is missed, like a message.
            unsaid = sum(map(_is_outcome, frames))
            frames = [frame for frame in frames if frame[:1] != control.MARK]
        before = len(self) + len(frames) + unsaid
        self._bytes += sum(map(len, frames))
        if self._newest is None:
            self._frames.extend(frames)
            if not self._is_over():
                return unsaid
            self._newest = _Newest()
            frames = list(self._frames)
            self._frames.clear()
        newest = self._newest
        for frame in frames:
            self._bytes -= newest.add(frame)
        while self._is_over() and newest.pubs:
            self._bytes -= newest.drop_oldest_pub()
        self.is_full = self._is_over()
        return before - len(newest)

    def take(self) -> tuple[bytes, list[bytes]]:
        """Take out the next batch; return it as one frame, and the frames in it."""
        if self._newest is None:
            frame, count = batch.take(self._frames)
            taken = [self._frames.popleft() for _ in range(count)]
            self._bytes -= sum(map(len, taken))
            return frame, taken
        taken = self._newest.take()
        self._bytes -= sum(map(len, taken))
        self.is_full = self._is_over()
        if not self._newest:
            self._newest = None
        return batch.pack(taken), taken

    def _is_over(self) -> bool:
        return len(self) > self._most or self._bytes > self._most_bytes


def _is_outcome(frame: bytes) -> bool:
    return frame.startswith(Verb.UNDELIVERED.encode())


class _Newest:
    """The newest pub of each URI, and every command, each with its place in the order."""

    def __init__(self) -> None:
        self.pubs: OrderedDict[bytes, tuple[int, bytes]] = OrderedDict()
        self._commands: deque[tuple[int, bytes]] = deque()
        self._place = 0

    def __len__(self) -> int:
        return len(self.pubs) + len(self._commands)

    def add(self, frame: bytes) -> int:
        """Add a frame at the end; return the bytes of the older pub that it replaces."""
        self._place += 1
        if not frame.startswith(b"pub "):
            self._commands.append((self._place, frame))
            return 0
        head = frame[: frame.find(0)]
        old = self.pubs.pop(head, None)
        self.pubs[head] = self._place, frame
        return 0 if old is None else len(old[1])

    def drop_oldest_pub(self) -> int:
        """Return the bytes that are free for it."""
        _, (_, frame) = self.pubs.popitem(last=False)
        return len(frame)

    def take(self) -> list[bytes]:
        """Take out the first frames, at least one and about a batch."""
        taken: list[bytes] = []
        size = 0
        while self and size < batch.FULL_BYTES:
            taken.append(self._pop())
            size += len(taken[-1])
        return taken

    def _pop(self) -> bytes:
        first_pub = next(iter(self.pubs.values()))[0] if self.pubs else self._place + 1
        if self._commands and self._commands[0][0] < first_pub:
            return self._commands.popleft()[1]
        return self.pubs.popitem(last=False)[1][1]
