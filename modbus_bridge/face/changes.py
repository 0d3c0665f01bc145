"""Which part of a body has changed since it was published; pure, the time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from modbus_bridge.config.model import Point
from modbus_bridge.face.image import CONNECTED

_MISSING: Final = object()


class Changes:
    """Remembers what was published last, and publishes everything every `refresh_s`."""

    def __init__(self, points: Iterable[Point], refresh_s: float) -> None:
        self._deadbands = {key: point.deadband for point in points if point.deadband > 0 for key in point.keys}
        self._refresh_s = refresh_s
        self._told: dict[str, Any] = {}
        self._full_s = float("-inf")

    def since(self, body: Mapping[str, Any], now_s: float, *, everything: bool) -> dict[str, Any] | None:
        """Return what is to be published of `body`; ``None`` if nothing of it has changed.

        `everything` asks for the whole body: the connection has changed.
        """
        told = self._told
        if everything or now_s - self._full_s >= self._refresh_s or told.keys() - body.keys():
            self._told = dict(body)
            self._full_s = now_s
            return self._told.copy()
        found = {key: value for key, value in body.items() if told.get(key, _MISSING) != value}
        if self._deadbands:
            found = {key: value for key, value in found.items() if self._counts(key, value)}
        if not found:
            return None
        told.update(found)
        return {CONNECTED: body[CONNECTED], **found}

    def _counts(self, key: str, value: Any) -> bool:
        deadband = self._deadbands.get(key)
        before = self._told.get(key)
        if deadband is None or not (_is_number(value) and _is_number(before)):
            return True
        return bool(abs(value - before) > deadband)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
