"""How values are written for the bus: naked, clothed, or with everything that is known of a point."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from modbus_bridge import codec
from modbus_bridge.config.model import Component, Format, Kind, Point
from modbus_bridge.face.image import Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.stamp import iso


class Renderer:
    """Writes what the image holds as the points' formats demand."""

    def __init__(self, component: Component, image: Image, overlay: Overlay) -> None:
        self._component = component
        self._image = image
        self._overlay = overlay
        # Looked at for each pub: those that are naked, nearly all, must not cost anything.
        self._dressed = [
            (key, point) for point in component.points if point.format is not Format.NAKED for key in point.keys
        ]

    def body(self) -> dict[str, Any]:
        """Return all values by key; a new dictionary each time."""
        body = self._image.values.copy()
        for key, point in self._dressed:
            if key in body:
                body[key] = self._shown(key, point, body[key])
        return body

    def one(self, key: str, point: Point) -> Any:
        """Return the value of a key, which must be in the image."""
        return self._shown(key, point, self._image.values[key])

    def raw(self, point: Point) -> dict[str, Any] | None:
        """Return the registers of a point as gen-2 shows them; ``None`` if they are not known."""
        words = self._image.words(point)
        return None if words is None else raw_view(point, words)

    def full(self, point: Point) -> dict[str, Any]:
        """Return everything that is known of a point, with the names of gen-3 (modbus.md 3.2)."""
        image, overlay = self._image, self._overlay
        words, before = image.words(point), image.previous_words(point)
        forced = {key: overlay.forced[key] for key in point.keys if key in overlay.forced}
        return facts(point) | {
            "component": self._component.id,
            "value": self._values(point),
            "raw_val": None if words is None else codec.raw(point, words),
            "raw_hex_val": None if words is None else raw_view(point, words)["hex"],
            "last_value": None if before is None else codec.decode(point, before),
            "enabled": point.id not in overlay.disabled,
            "disconnected": point.id in overlay.disconnected,
            "is_forced": bool(forced),
            "forced_val": forced.get(point.id) if point.kind is not Kind.INDIVIDUAL_BITS else forced or None,
            "update_time": None if words is None else iso(image.wall_s),
            "last_update_time": None if before is None else iso(image.previous_wall_s),
            "age_s": self._age_s(known=words is not None),
        }

    def points(self, points: Iterable[Point]) -> list[dict[str, Any]]:
        """Return a row for each point: where it lies and what it is."""
        return [facts(point) for point in points]

    def _values(self, point: Point) -> Any:
        values = self._image.values
        if point.kind is Kind.INDIVIDUAL_BITS:
            return {key: values.get(key) for key in point.keys}
        return values.get(point.id)

    def _age_s(self, *, known: bool) -> float | None:
        read_at_s = self._image.read_at_s
        return round(time.monotonic() - read_at_s, 3) if known and read_at_s is not None else None

    def _shown(self, key: str, point: Point, value: Any) -> Any:
        if point.format is Format.NAKED:
            return value
        if point.format is Format.FULL and key == point.id:
            return self.full(point)
        return {"value": value}


def facts(point: Point) -> dict[str, Any]:
    """Return what the configuration says of a point, with the names of gen-3 (modbus.md 3.2)."""
    return {
        "id": point.id,
        "name": point.name,
        "register_type": point.type,
        "device_id": point.device_id,
        "offset": point.offset,
        "size": point.size,
        "starting_bit_pos": point.first_bit,
        "number_of_bits": point.width,
        "kind": point.kind,
        "scale": None if point.scale is None else float(point.scale),
        "shift": point.shift,
        "signed": point.signed,
        "float": point.is_float,
        "multi_write_op_code": point.multi_write,
        "unit": point.unit,
        "writable": point.type.is_writable,
    }


def raw_view(point: Point, words: Any) -> dict[str, Any]:
    """Return the bits of a point as gen-2 shows them (modbus.md 3.2)."""
    bits = codec.raw(point, words)
    width = point.width
    return {"value": bits, "binary": f"{bits:0{width}b}", "hex": f"0x{bits:0{(width + 3) // 4}X}"}
