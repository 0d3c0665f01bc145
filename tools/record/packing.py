"""Bodies in few bytes: deflate, with an earlier body of the same topic as its dictionary.

What a device publishes ten times a second differs in some digits: 250 bytes become 25. Each body can still be read by
itself, because the dictionary is always the topic's first body.
"""

from __future__ import annotations

import zlib
from typing import Final

# Below this, nothing is gained; and zlib looks back no further than that.
SMALLEST: Final = 32
MAX_SAMPLE: Final = 32 << 10
# The largest message that a broker can be told to take, and more than any body of a recording.
MAX_BODY: Final = 64 << 20
# Raw deflate: no header and no checksum, which would be as long as what is packed.
_RAW: Final = -zlib.MAX_WBITS


def is_sample(body: bytes | None) -> bool:
    """Tell whether a body may be the one that later ones are packed against."""
    return body is not None and SMALLEST <= len(body) <= MAX_SAMPLE


def pack(body: bytes | None, sample: bytes | None) -> tuple[int | None, bytes | None]:
    """Return (size of the body, packed body), or (``None``, body) where packing gains nothing."""
    if body is None or len(body) < SMALLEST:
        return None, body
    packer = zlib.compressobj(wbits=_RAW, zdict=sample) if sample else zlib.compressobj(wbits=_RAW)
    packed = packer.compress(body) + packer.flush()
    return (len(body), packed) if len(packed) < len(body) else (None, body)


def unpack(size: int | None, packed: bytes | None, sample: bytes | None) -> bytes | None:
    """Return the body that `pack` was given.

    Raises:
        ValueError: it is damaged: not deflate, or not of that size.
    """
    if size is None or packed is None:
        return packed
    if not 0 < size <= MAX_BODY:
        raise ValueError(f"a body of {size} bytes, expected 1 to {MAX_BODY}")
    unpacker = zlib.decompressobj(wbits=_RAW, zdict=sample) if sample else zlib.decompressobj(wbits=_RAW)
    try:
        # One more than there may be: a few bytes can claim to be gigabytes.
        body = unpacker.decompress(packed, size + 1)
    except zlib.error as error:
        raise ValueError(f"a packed body that cannot be unpacked: {error}") from None
    if len(body) != size:
        raise ValueError(f"a packed body that is not of {size} bytes")
    return body
