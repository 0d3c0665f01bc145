"""`Severity`: how much an event or a message in an alarm list matters (engine.md 3.5)."""

from __future__ import annotations

from enum import IntEnum


class Severity(IntEnum):
    """The numbers that user interfaces know."""

    INFO = 1
    STATUS = 2
    ALARM = 3
    FAULT = 4
