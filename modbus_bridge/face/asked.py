"""What a get of a component, or of something in it, is answered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from modbus_bridge.config.model import Component, Point
from modbus_bridge.face.image import Image
from modbus_bridge.face.overlay import Overlay
from modbus_bridge.face.path import Path
from modbus_bridge.face.publisher import Publisher
from modbus_bridge.face.render import Renderer
from modbus_bridge.values.orders import Catalogue, unknown


class Process(Protocol):
    """What the process knows beyond one component."""

    def stats(self, component_id: str | None = None) -> dict[str, Any]:
        """Return `_stats`."""

    def document(self, fragment: str, component_id: str | None = None) -> Any:
        """Return what `_config`, `_server` or `_help` answer."""


class Asked:
    """Answers gets from the image; whoever calls it has seen to it that the image is current."""

    def __init__(
        self,
        component: Component,
        catalogue: Catalogue,
        image: Image,
        overlay: Overlay,
        publisher: Publisher,
        timings: Callable[[], dict[str, Any]],
        process: Process,
        silence: str,
    ) -> None:
        self._component = component
        self._catalogue = catalogue
        self._image = image
        self._overlay = overlay
        self._publisher = publisher
        self._renderer = Renderer(component, image, overlay)
        self._timings = timings
        self._process = process
        self._silence = silence

    def answer(self, path: Path) -> Any:
        """Return the value that is asked for.

        Raises:
            ValueError: there is no such thing, or it is not known now; the text says why.
        """
        name = path.name
        body = None if name is None or path.fragment is not None else self._publisher.body()
        if path.fragment is None and name is None:
            # Also of a silent device: the values are null and component_connected says why.
            return self._publisher.body()
        if body is not None and name in body and self._overlay.point(str(name)) is None:
            return body[name]  # component_connected, heartbeat_state and the like
        point = None if name is None else self._require(name)
        if path.fragment is not None:
            return self._special(path.fragment, point)
        return self._value(str(name), point, body or {})

    def _require(self, name: str) -> Point:
        point = self._overlay.point(name)
        if point is None:
            raise ValueError(f"{name}: {unknown(name, self._catalogue.names)}")
        return point

    def _value(self, name: str, point: Point | None, body: dict[str, Any]) -> Any:
        keys = point.keys if point is not None and name == point.id else (name,)
        is_forced = all(key in self._overlay.forced for key in keys)
        if not is_forced and point is not None:
            if point.id in self._overlay.disabled:
                raise ValueError(f"{name}: disabled; it is not polled")
            if point.id in self._overlay.disconnected:
                raise ValueError(f"{name}: disconnected by hand; it is not polled")
            if not self._image.connected:
                raise ValueError(self._silence)
        if keys == (name,):
            return body[name]
        return {key: body[key] for key in keys}  # the id of a register that is published bit by bit

    def _special(self, fragment: str, point: Point | None) -> Any:
        if fragment == "_full":
            return self._renderer.full(point) if point is not None else self._each(self._renderer.full)
        if fragment == "_raw":
            return self._raw(point) if point is not None else self._each(self._renderer.raw)
        if fragment == "_points":
            return self._renderer.points([point] if point is not None else self._component.points)
        if fragment == "_timings":
            if point is not None:
                raise ValueError("_timings are those of a whole component")
            return self._timings()
        if fragment == "_stats":
            return self._process.stats(self._component.id)
        return self._process.document(fragment, self._component.id)

    def _each(self, view: Callable[[Point], Any]) -> dict[str, Any]:
        return {point.id: view(point) for point in self._component.points}

    def _raw(self, point: Point) -> Any:
        raw = self._renderer.raw(point)
        if raw is None and not self._image.connected:
            raise ValueError(self._silence)
        return raw
