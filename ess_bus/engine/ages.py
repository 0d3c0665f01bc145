"""`Ages`: since when nothing was heard of what others keep up to date; pure, the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

# What a bridge says of its device in each pub (docs/architecture.md): while it is false, there are no values in it.
CONNECTED: Final = "component_connected"


class Ages:
    """Remembers when each device told values, and when a calculator showed that it keeps its results.

    Nobody is forgotten who dies or falls silent: that is when an age counts.
    """

    def __init__(self) -> None:
        self._told_s: dict[str, float] = {}
        # Devices whose bridge has said that it cannot read them.
        self._unread: set[str] = set()
        self._calculator_s: float | None = None

    def told(self, device: str, body: Any, now_s: float) -> None:
        """A pub of a device has come; one that only says that it is not read makes nothing newer."""
        if isinstance(body, dict) and (connected := body.get(CONNECTED)) is not None:
            (self._unread.add if connected is False else self._unread.discard)(device)
        if body is not None and device not in self._unread:
            self._told_s[device] = now_s

    def calculates(self, now_s: float) -> None:
        """The calculator has set results, or has answered that it is there: what it did not set has not changed."""
        self._calculator_s = now_s

    def of_devices(self, devices: Iterable[str], now_s: float) -> dict[str, float | None]:
        """Return device -> seconds since it told values; ``None`` if it never did."""
        return {device: self._since(self._told_s.get(device), now_s) for device in devices}

    def of_calculator(self, now_s: float) -> float | None:
        """Return the seconds since the calculator was heard; ``None`` if there never was one."""
        return self._since(self._calculator_s, now_s)

    @staticmethod
    def _since(at_s: float | None, now_s: float) -> float | None:
        return None if at_s is None else now_s - at_s
