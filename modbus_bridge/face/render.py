"""What the image holds, as the bus is shown it: naked, clothed, raw, or with everything that is known of a point."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from modbus_bridge.config.model import Component, Format, Kind, Point
from modbus_bridge.face.image import Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.stamp import iso
from modbus_bridge.values import codec, views


class Renderer:
    """Writes what the image holds as the points' formats demand."""

    def __init__(self, component: Component, image: Image, overlay: Overlay) -> None:
        self._component = component
        self._image = image
        self._overlay = overlay
        # Looked at for each pub: those that are naked, nearly all, must not cost anything.
        self._dressed = [point for point in component.points if point.format is not Format.NAKED]

    def body(self) -> dict[str, Any]:
        """Return all values by key; a new dictionary each time."""
        body = self._image.values.copy()
        for point in self._dressed:
            state = self._state(point) if point.format is Format.FULL else views.NOTHING_KNOWN
            shown = views.entries(point, self._value(point), state=state)
            body.update((key, value) for key, value in shown.items() if key in body)
        return body

    def raw(self, point: Point) -> dict[str, Any] | None:
        """Return the registers of a point as gen-2 shows them; ``None`` if they are not known."""
        words = self._image.words(point)
        return None if words is None else views.raw_view(point, words)

    def full(self, point: Point) -> dict[str, Any]:
        """Return everything that is known of a point."""
        return views.full(point, self._value(point), self._state(point))

    def points(self, points: Iterable[Point]) -> list[dict[str, Any]]:
        """Return a row for each point: where it lies and what it is."""
        return views.points_view(points)

    def _value(self, point: Point) -> Any:
        values = self._image.values
        if point.kind is Kind.INDIVIDUAL_BITS:
            return {key: values.get(key) for key in point.keys}
        return values.get(point.id)

    def _state(self, point: Point) -> views.State:
        image, overlay = self._image, self._overlay
        words, before = image.words(point), image.previous_words(point)
        forced = {key: overlay.forced[key] for key in point.keys if key in overlay.forced}
        age_s = None if words is None or image.read_at_s is None else time.monotonic() - image.read_at_s
        return views.State(
            component=self._component.id,
            words=words,
            enabled=point.id not in overlay.disabled,
            disconnected=point.id in overlay.disconnected,
            is_forced=bool(forced),
            forced_value=forced.get(point.id) if point.kind is not Kind.INDIVIDUAL_BITS else forced or None,
            update_time=None if words is None else iso(image.wall_s),
            age_s=age_s,
            last_value=None if before is None else codec.decode(point, before),
            last_update_time=None if before is None else iso(image.previous_wall_s),
            set_value=image.set_values.get(point.id),
        )
