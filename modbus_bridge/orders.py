"""What a set means for the device: from a URI and a body to register writes; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ess_bus import values
from ess_bus.hints import did_you_mean
from modbus_bridge import codec
from modbus_bridge.config.model import Component, Kind, Point


@dataclass(frozen=True, slots=True)
class Write:
    """New words for one point; `words` is ``None`` if only the bits in `set_bits` and `clear_bits` change."""

    point: Point
    words: tuple[int, ...] | None
    set_bits: int = 0
    clear_bits: int = 0

    def words_after(self, current: Sequence[int]) -> tuple[int, ...]:
        """Return what to write where the device has `current`."""
        return codec.words_of(self.point, codec.raw(self.point, current) & ~self.clear_bits | self.set_bits)


class Catalogue:
    """The names of a component's points and bits."""

    def __init__(self, component: Component) -> None:
        self._points = {point.id: point for point in component.points}
        self._bits = {
            name: point
            for point in component.points
            if point.kind is Kind.INDIVIDUAL_BITS
            for name in point.strings.values()
        }

    @property
    def names(self) -> list[str]:
        """The ids of all points and the names of all bits; each of them can be read, and set if it is writable."""
        return [*self._points, *self._bits]

    def bits_of(self, name: str) -> tuple[str, ...]:
        """Return the names of the bits of a point."""
        return self._points[name].keys

    def writes(self, path: tuple[str, ...], body: Any) -> list[Write]:
        """Return what to write for a set, in the order of the body; nothing if anything in it is wrong.

        Raises:
            ValueError: the reason, naming every assignment that is wrong.
        """
        problems: list[str] = []
        orders: dict[str, Write] = {}
        for name, value in values.assignments(path, body).items():
            try:
                self._order(name, value, orders)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ValueError("; ".join(problems))
        return list(orders.values())

    def _order(self, name: str, value: Any, orders: dict[str, Write]) -> None:
        point = self._points.get(name) or self._bits.get(name)
        if point is None:
            raise ValueError(unknown(name, self.names))
        if not point.type.is_writable:
            raise ValueError(f"read-only ({point.type})")
        earlier = orders.get(point.id)
        if name == point.id:
            if earlier is not None:
                raise ValueError("set together with its bits")
            orders[point.id] = Write(point, codec.encode(point, value))
            return
        if earlier is not None and earlier.words is not None:
            raise ValueError(f"set together with its register {point.id}")
        set_bits, clear_bits = codec.bit_change(point, name, value)
        if earlier is not None:
            set_bits, clear_bits = set_bits | earlier.set_bits, clear_bits | earlier.clear_bits
        orders[point.id] = Write(point, None, set_bits, clear_bits)


def unknown(name: str, known: Iterable[str]) -> str:
    """Return why `name` cannot be used, with the names that resemble it."""
    return f"unknown register{did_you_mean(name, known)}"
