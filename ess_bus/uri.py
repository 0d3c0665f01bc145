"""URIs: validation, segments, and the whole-segment prefix match that all routing rests on.

A URI is a text such as ``/components/bms_1/soc``. Repeated and trailing slashes do not count when URIs are matched
(reference: fims.md B2); the text itself is always forwarded unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from ess_bus.errors import UriError

MAX_LENGTH = 255
MAX_SEGMENTS = 63


# A process names the same few URIs over and over.
@lru_cache(maxsize=4096)
def segments(uri: str) -> tuple[str, ...]:
    """Return the parts between the slashes: ``"/a//b/"`` gives ``("a", "b")`` and ``"/"`` gives ``()``."""
    return tuple(part for part in uri.split("/") if part)


def join(parts: Iterable[str]) -> str:
    """Return the URI with these segments: ``("a", "b")`` gives ``"/a/b"`` and ``()`` gives ``"/"``."""
    return "/" + "/".join(parts)


def normal(uri: str) -> str:
    """Return the one text of all URIs with the same segments: ``"/a//b/"`` gives ``"/a/b"``."""
    return join(segments(uri))


def check(uri: str) -> str:
    """Return `uri` if the bus can route it.

    Raises:
        UriError: no leading slash, more than 255 bytes or 63 segments, a control character, or not Unicode.
    """
    # Nearly every URI is that plain, and those of replies are used once: nothing is gained by remembering them.
    is_plain = uri.isascii() and uri.isprintable() and uri.startswith("/")
    if is_plain and len(uri) <= MAX_LENGTH and uri.count("/") <= MAX_SEGMENTS:
        return uri
    if not uri.startswith("/"):
        raise UriError(uri, "it must start with '/'")
    try:
        length = len(uri.encode())
    except UnicodeEncodeError:
        raise UriError(uri, "it is not valid Unicode") from None
    # Before its characters are looked at: to look at the millions that a peer may send takes a second.
    if length > MAX_LENGTH:
        raise UriError(uri, f"{length} bytes are over the limit of {MAX_LENGTH}")
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in uri):
        raise UriError(uri, "control characters are not allowed")
    if len(segments(uri)) > MAX_SEGMENTS:
        raise UriError(uri, f"{len(segments(uri))} segments are over the limit of {MAX_SEGMENTS}")
    return uri


def is_under(uri: str, prefix: str) -> bool:
    """Tell whether `uri` is `prefix` or lies below it, by whole segments: ``/a/bc`` is not under ``/a/b``."""
    return relative(uri, prefix) is not None


def relative(uri: str, prefix: str) -> tuple[str, ...] | None:
    """Return the segments of `uri` below `prefix`, ``()`` if they are the same, ``None`` if it is not under it."""
    parts, head = segments(uri), segments(prefix)
    return parts[len(head) :] if parts[: len(head)] == head else None
