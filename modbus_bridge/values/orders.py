"""What a set means for the device: from a URI and a body to register writes; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ess_bus import values
from ess_bus.hints import did_you_mean
from modbus_bridge.config.model import Component, Kind, Point, RegisterType
from modbus_bridge.protocol import MAX_WRITE_BITS, MAX_WRITE_REGISTERS
from modbus_bridge.values import codec

# The registers of a write: table, unit, address and count.
Place = tuple[RegisterType, int, int, int]


@dataclass(frozen=True, slots=True)
class Write:
    """New words from the first register of `point` on.

    Attributes:
        point: what is written; the first one if there are several.
        words: what the registers become; ``None`` if only the bits in `set_bits` and `clear_bits` change.
        set_bits: masks over the words as one integer, the first word the most significant.
        clear_bits: as `set_bits`.
        names: what a set called it: ids of points and names of bits.
        multi_write: whether a single register is written with FC16, not with FC6.
        debounce_s: how long the write waits for a later one that replaces it.
    """

    point: Point
    words: tuple[int, ...] | None
    set_bits: int = 0
    clear_bits: int = 0
    names: tuple[str, ...] = ()
    multi_write: bool = False
    debounce_s: float = 0.0

    @property
    def size(self) -> int:
        """How many registers or coils it writes."""
        return self.point.size if self.words is None else len(self.words)

    @property
    def end(self) -> int:
        """The address behind the last one that it writes."""
        return self.point.offset + self.size

    def words_after(self, current: Sequence[int]) -> tuple[int, ...]:
        """Return what to write where the device has `current`."""
        return codec.changed(current, self.set_bits, self.clear_bits) if self.words is None else self.words


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

    def point_of(self, name: str) -> Point | None:
        """Return the point with this id, or the one that has the bit of this name."""
        return self._points.get(name) or self._bits.get(name)

    def bits_of(self, name: str) -> tuple[str, ...]:
        """Return the names of the bits of a point."""
        return self._points[name].keys

    def writes(self, path: tuple[str, ...], body: Any) -> list[Write]:
        """Return what to write for a set, in the order of the body; nothing if anything in it is wrong.

        Parts and bits of one register are one write, at the place of the first of them.

        Raises:
            ValueError: the reason, naming every assignment that is wrong.
        """
        problems: list[str] = []
        orders: dict[Place, Write] = {}
        for name, value in values.assignments(path, body).items():
            try:
                point = self._writable(name)
                if name == point.id and point.kind is Kind.INDIVIDUAL_BITS and isinstance(value, Mapping):
                    self._add_bits(point, value, orders)
                else:
                    _add(_write(point, name, value), orders)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ValueError("; ".join(problems))
        return list(orders.values())

    def _writable(self, name: str) -> Point:
        point = self.point_of(name)
        if point is None:
            raise ValueError(unknown(name, self.names))
        if not point.type.is_writable:
            raise ValueError(f"read-only ({point.type})")
        return point

    def _add_bits(self, point: Point, bits: Mapping[str, Any], orders: dict[Place, Write]) -> None:
        """Note a set of some bits under the id of their register, as a get of it answers them."""
        if not bits:
            raise ValueError('expected an object such as {"bit": true}')
        for name, value in bits.items():
            if name not in point.keys:
                raise ValueError(f"{name}: no bit of this register{did_you_mean(name, point.keys)}")
            try:
                _add(_write(point, name, values.naked(value)), orders)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None


def joined(
    writes: Iterable[Write], max_registers: int = MAX_WRITE_REGISTERS, max_bits: int = MAX_WRITE_BITS
) -> list[Write]:
    """Return fewer writes that have the same effect: neighbours become one request (FC16, FC15).

    Only writes that follow each other in the set are joined: none of them overtakes one that came before it, for a
    device may do different things when it is started before its mode is set. What reads before it writes stays alone.
    """
    rest = list(writes)
    requests: list[Write] = []
    while rest:
        count = _joinable(rest, max_bits if rest[0].point.type.is_bits else max_registers)
        requests.append(_join(rest[:count]))
        del rest[:count]
    return requests


def unknown(name: str, known: Iterable[str]) -> str:
    """Return why `name` cannot be used, with the names that resemble it."""
    return f"unknown register{did_you_mean(name, known)}"


def _write(point: Point, name: str, value: Any) -> Write:
    carried = Write(point, None, names=(name,), multi_write=point.multi_write, debounce_s=point.debounce_s)
    if name != point.id:
        set_bits, clear_bits = codec.bit_change(point, name, value)
    elif point.is_part:
        set_bits, clear_bits = codec.change(point, value)
    else:
        return replace(carried, words=codec.encode(point, value))
    return replace(carried, set_bits=set_bits, clear_bits=clear_bits)


def _add(write: Write, orders: dict[Place, Write]) -> None:
    """Note a write beside others of the same registers.

    Raises:
        ValueError: they contradict each other, or would if they had other values.
    """
    point = write.point
    place = (point.type, point.device_id, point.offset, point.size)
    earlier = orders.get(place)
    if earlier is None:
        orders[place] = write
        return
    others = ", ".join(earlier.names)
    if earlier.words is not None and earlier.point is point:
        raise ValueError(f"set together with its register {point.id}")
    if write.words is not None or earlier.words is not None:
        raise ValueError(f"set together with {others}, which is in the same register")
    if (write.set_bits | write.clear_bits) & (earlier.set_bits | earlier.clear_bits):
        raise ValueError(f"set together with {others}, which has the same bits")
    orders[place] = replace(
        earlier,
        set_bits=earlier.set_bits | write.set_bits,
        clear_bits=earlier.clear_bits | write.clear_bits,
        names=earlier.names + write.names,
        multi_write=earlier.multi_write or write.multi_write,
        debounce_s=max(earlier.debounce_s, write.debounce_s),
    )


def _joinable(writes: Sequence[Write], limit: int) -> int:
    """Return how many writes at the beginning fill one range of addresses without gaps or overlaps."""
    first = writes[0]
    start, end, total, best = first.point.offset, first.point.offset, 0, 1
    taken: set[int] = set()
    for count, write in enumerate(writes, start=1):
        point = write.point
        if write.words is None or (point.type, point.device_id) != (first.point.type, first.point.device_id):
            break
        addresses = range(point.offset, write.end)
        start, end, total = min(start, addresses.start), max(end, addresses.stop), total + len(addresses)
        if end - start > limit or not taken.isdisjoint(addresses):
            break
        taken.update(addresses)
        if total == end - start:
            best = count
    return best


def _join(writes: Sequence[Write]) -> Write:
    if len(writes) == 1:
        return writes[0]
    ordered = sorted(writes, key=lambda write: write.point.offset)
    return Write(
        ordered[0].point,
        tuple(word for write in ordered for word in write.words or ()),
        names=tuple(name for write in writes for name in write.names),
        multi_write=any(write.multi_write for write in writes),
        debounce_s=max(write.debounce_s for write in writes),
    )
