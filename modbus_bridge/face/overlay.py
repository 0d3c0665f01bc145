"""What people have decided about single points: out of polling, said to be disconnected, forced; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from modbus_bridge.config.model import Component, Point
from modbus_bridge.values import codec
from modbus_bridge.values.orders import Catalogue, unknown


class Overlay:
    """The states that lie over what the device tells (modbus.md 3.3).

    A *disabled* point is not read and not published. A *disconnected* one is not read and published as null. A
    *forced* key is published with the value that was given, whatever the device and the other states say.

    Attributes:
        disabled: ids of points.
        disconnected: ids of points.
        forced: the values by key: a point's id, or the name of a bit.
    """

    def __init__(self, component: Component) -> None:
        self._points = {point.id: point for point in component.points}
        self._catalogue = Catalogue(component)
        self.disabled: set[str] = set()
        self.disconnected: set[str] = set()
        self.forced: dict[str, Any] = {}

    @property
    def is_empty(self) -> bool:
        """Whether the device alone decides what is published."""
        return not (self.disabled or self.disconnected or self.forced)

    @property
    def polled(self) -> tuple[Point, ...]:
        """The points that are read."""
        out = self.disabled | self.disconnected
        return tuple(point for point in self._points.values() if point.id not in out)

    @property
    def forced_names(self) -> list[str]:
        """The keys that are forced, in the order of the points."""
        return [key for point in self._points.values() for key in point.keys if key in self.forced]

    def point(self, name: str) -> Point | None:
        """Return the point of an id, or of one of its bits."""
        return self._catalogue.point_of(name)

    def enable(self, ids: Iterable[str]) -> None:
        """Read these points again."""
        self.disabled.difference_update(ids)

    def disable(self, ids: Iterable[str]) -> None:
        """Take these points out of polling and out of the pubs."""
        self.disabled.update(ids)

    def connect(self, ids: Iterable[str]) -> None:
        """Take back that these points are disconnected."""
        self.disconnected.difference_update(ids)

    def disconnect(self, ids: Iterable[str]) -> None:
        """Let these points be unknown."""
        self.disconnected.update(ids)

    def force(self, assigned: Mapping[str, Any]) -> None:
        """Publish these values until `unforce`; nothing changes if one of them does not fit.

        Raises:
            ValueError: the reason, naming every assignment that is wrong.
        """
        found: dict[str, Any] = {}
        problems: list[str] = []
        for name, value in assigned.items():
            try:
                found |= self._forced_keys(name, value)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ValueError("; ".join(problems))
        self.forced |= found

    def unforce(self, names: Iterable[str]) -> None:
        """Publish again what the device tells, for ids and names of bits."""
        for name in names:
            point = self.point(name)
            for key in point.keys if point is not None and name == point.id else (name,):
                self.forced.pop(key, None)

    def apply(self, values: dict[str, Any]) -> None:
        """Change naked values by key as the states demand."""
        for name in self.disabled:
            for key in self._points[name].keys:
                values.pop(key, None)
        for name in self.disconnected - self.disabled:
            values.update(dict.fromkeys(self._points[name].keys))
        values.update(self.forced)

    def refusal(self, name: str) -> str | None:
        """Return why a point cannot be written to now; ``None`` if it can."""
        point = self.point(name)
        if point is None:
            return None
        if point.id in self.disabled:
            return "disabled; set .../_enable first"
        if point.id in self.disconnected:
            return "disconnected by hand; set .../_connect first"
        if any(key in self.forced for key in ((name,) if name != point.id else point.keys)):
            return "forced; set .../_unforce first"
        return None

    def _forced_keys(self, name: str, value: Any) -> dict[str, Any]:
        point = self.point(name)
        if point is None:
            raise ValueError(unknown(name, self._catalogue.names))
        if name != point.id:
            words = codec.changed([0] * point.size, *codec.bit_change(point, name, value))
            return {name: codec.published(point, words)[name]}
        # Through the registers and back: what is published is what the device could have told.
        return codec.published(point, codec.encode(point, value))
