"""Batches: many frames as one (docs/wire.md, section 2.4).

A batch is ``*`` and a msgpack array of frames, none of which is a batch. A hundred small frames cost hardly more than
one that way; what is alone travels as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgpack

from ess_bus.errors import ProtocolError

MARK: Final = b"*"
# A batch ends with the frame that takes it over this size; a frame that is as large travels alone.
FULL_BYTES: Final = 64 << 10
# More than fit into `FULL_BYTES`, whatever they say. Each is worth some answer, a hundred bytes and microseconds of it:
# a message of the largest size must not hold millions of them.
MOST: Final = 16_384
_BYTES: Final = {bytes}


def take(frames: Iterable[bytes]) -> tuple[bytes, int]:
    """Return (frame, count): the first `count` of `frames` as one frame. There must be at least one."""
    taken: list[bytes] = []
    size = 0
    for frame in frames:
        size += len(frame)
        if size > FULL_BYTES and taken:
            break
        taken.append(frame)
    return pack(taken), len(taken)


def pack(frames: list[bytes]) -> bytes:
    """Return all of these frames as one; a single one is returned as it is."""
    if len(frames) == 1:
        return frames[0]
    packed: bytes = msgpack.packb(frames)
    return MARK + packed


def unpack(frame: bytes) -> list[bytes]:
    """Return the frames of a batch that came from the network; whoever reads them takes no batch among them.

    Raises:
        ProtocolError: it is not an array of at most `MOST` frames.
    """
    try:
        frames = msgpack.unpackb(memoryview(frame)[1:], max_array_len=MOST)
    except (ValueError, RecursionError, msgpack.UnpackException) as error:
        raise ProtocolError(f"a batch that is not msgpack: {error or type(error).__name__}") from None
    if not isinstance(frames, list) or not set(map(type, frames)) <= _BYTES:
        raise ProtocolError("a batch that is not an array of frames")
    return frames
