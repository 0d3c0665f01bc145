"""The times that are shown on the bus; pure, the time is passed in."""

from __future__ import annotations

from datetime import UTC, datetime


class Stamper:
    """Writes timestamps as consumers of the original expect them (modbus.md 3.1): UTC, six digits of a second.

    The text up to the second is made once a second: strftime costs more than all else of a small pub.
    """

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, wall_s: float) -> str:
        """Return e.g. ``06-25-2024 20:18:46.001234`` for seconds since 1970."""
        microseconds = int(wall_s * 1e6)
        second, fraction = divmod(microseconds, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%m-%d-%Y %H:%M:%S")
        return f"{self._text}.{fraction:06}"


def iso(wall_s: float | None) -> str | None:
    """Return ISO 8601 in UTC, or ``None`` for never."""
    return None if wall_s is None else datetime.fromtimestamp(wall_s, UTC).isoformat()
