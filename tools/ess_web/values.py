"""Values as the page gets them: what JavaScript can hold without changing it, and no more than a person reads."""

from __future__ import annotations

from typing import Any, Final

import orjson

MAX_TEXT: Final = 2000
# Beyond these a number of JavaScript is another one.
_MAX_SAFE: Final = 2**53 - 1

Scalar = bool | int | float | str | None


def scalar(value: Any) -> Scalar:
    """Return a value of the bus as a number, a bool, a text or ``None``.

    An enum or bit field as bridges publish it, ``[{"value": 3, "string": "Standby"}]``, is its texts; other lists and
    objects are their JSON.
    """
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -_MAX_SAFE <= value <= _MAX_SAFE else str(value)
    if isinstance(value, str):
        return shortened(value)
    if isinstance(value, list) and all(isinstance(one, dict) and isinstance(one.get("string"), str) for one in value):
        return shortened(", ".join(one["string"] for one in value))
    return shortened(orjson.dumps(value).decode())


def shortened(text: str, most: int = MAX_TEXT) -> str:
    """Return a text that is not longer than a person reads."""
    return text if len(text) <= most else text[: most - 3] + "..."
