"""Which point has which registers: finding two that claim the same."""

from __future__ import annotations

from modbus_bridge.config.model import Point, RegisterType


class Claims:
    """The registers that points have claimed so far."""

    def __init__(self) -> None:
        self._owners: dict[tuple[RegisterType, int, int], list[Point]] = {}

    def add(self, point: Point) -> str | None:
        """Claim the registers of a point; return the point that had some of them before, in words, if one had."""
        keys = [(point.type, point.device_id, address) for address in range(point.offset, point.end)]
        for key in keys:
            for owner in self._owners.get(key, ()):
                if not _share(owner, point):
                    return f"{_described(point)} overlaps with {_described(owner)}"
        for key in keys:
            self._owners.setdefault(key, []).append(point)
        return None


def _share(one: Point, other: Point) -> bool:
    """Tell whether two points are different parts of the same registers."""
    same = (one.offset, one.size) == (other.offset, other.size)
    return same and not one.mask & other.mask


def _described(point: Point) -> str:
    return f"{point.id!r} (offset {point.offset}, size {point.size})"
