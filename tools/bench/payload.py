"""Bodies: how a message tells a worker what it is. No I/O.

What is counted has exactly the size of the row. Everything else is shorter: a `PROBE` shows that the path is open,
an `END` that nothing follows; both name the publisher.
"""

from __future__ import annotations

import json
from typing import Final

PROBE: Final = b"probe "
END: Final = b"end "
SMALL: Final = 200
LARGE: Final = 5000
_STAMP_BYTES: Final = 8
_NUMBER_BYTES: Final = 8


def stamped(moment_ns: int, number: int, size: int) -> bytes:
    """Return a body of `size` bytes that carries the moment it was due and its number."""
    head = moment_ns.to_bytes(_STAMP_BYTES, "little") + number.to_bytes(_NUMBER_BYTES, "little")
    return head.ljust(size, b".")


def moment_ns(body: bytes) -> int:
    """Return the moment in a stamped body."""
    return int.from_bytes(body[:_STAMP_BYTES], "little")


def number(body: bytes) -> int:
    """Return the number in a stamped body."""
    return int.from_bytes(body[_STAMP_BYTES : _STAMP_BYTES + _NUMBER_BYTES], "little")


def json_body(size: int) -> bytes:
    """Return a JSON object of `size` bytes, of the kind that a table of variables answers."""
    points: dict[str, object] = {}
    while len(_encoded({**points, f"point_{len(points):03}": 50.5, "pad": ""})) <= size:
        points[f"point_{len(points):03}"] = 50.5
    rest = size - len(_encoded({**points, "pad": ""}))
    return _encoded({**points, "pad": "x" * rest})


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
