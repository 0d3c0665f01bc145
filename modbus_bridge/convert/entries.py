"""One point of the model -> the keys and values of a register entry, the opposite of `modbus_bridge.config.points`.

With `defaults` every key that could have been said is written, otherwise only those that change something.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modbus_bridge.config.model import Format, Kind, Point

Entry = dict[str, Any]


def client_entry(point: Point, *, defaults: bool) -> Entry:
    """Return the entry of a client's file."""
    return _named(point) | _meaning(point, defaults=defaults) | _handling(point, defaults=defaults)


def served_entry(point: Point, uri: str, *, last_bit: bool = False, defaults: bool = False) -> Entry:
    """Return the entry of a server's file, with the URI of the owner."""
    entry = {"uri": uri} | _named(point) | _meaning(point, defaults=defaults) | _handling(point, defaults=False)
    _say(entry, "last_bit", last_bit, False, defaults=defaults and point.kind is Kind.BIT_FIELD)
    return entry


def plain(number: float) -> int | float:
    """Return a whole number as an integer, as people write it."""
    return int(number) if float(number).is_integer() else float(number)


def _named(point: Point) -> Entry:
    """Return the id and what people call the point."""
    entry: Entry = {"id": point.id}
    if point.name:
        entry["name"] = point.name
    entry["offset"] = point.offset
    return entry


def _meaning(point: Point, *, defaults: bool) -> Entry:
    """Return what its bits mean."""
    entry: Entry = {}
    if not point.type.is_bits:
        entry |= _registers(point, defaults=defaults)
    _say(entry, "invert_mask", hex(point.invert_mask), "0x0", defaults=defaults)
    if point.kind is Kind.NUMBER:
        entry |= _number(point, defaults=defaults)
    elif point.kind is Kind.TEXT:
        entry["text"] = True
    elif point.kind is not Kind.BOOL:
        entry |= {str(point.kind): True, "bit_strings": _strings(point)}
    elif point.type.is_bits:
        entry |= _number(point, defaults=False)
    else:
        entry["bool"] = True
    if point.invalid:
        entry["invalid"] = [hex(bits) for bits in sorted(point.invalid)]
    if point.unit:
        entry["unit"] = point.unit
    return entry


def _handling(point: Point, *, defaults: bool) -> Entry:
    """Return what a client does with it; what has no effect is written all the same where it was said."""
    entry: Entry = {}
    _say(entry, "use_bool", point.use_bool, True, defaults=defaults and point.type.is_bits)
    is_writable = point.type.is_writable
    _say(entry, "multi_write_op_code", point.multi_write, False, defaults=defaults and is_writable)
    _say(entry, "debounce", plain(point.debounce_s), 0, defaults=defaults and is_writable)
    _say(entry, "deadband", plain(point.deadband), 0, defaults=defaults)
    _say(entry, "format", str(point.format), str(Format.NAKED), defaults=defaults)
    return entry


def _registers(point: Point, *, defaults: bool) -> Entry:
    """Return which bits of which registers belong to the point."""
    entry: Entry = {}
    _say(entry, "size", point.size, 1, defaults=defaults)
    if point.word_order in ((), tuple(reversed(range(point.size)))):
        _say(entry, "byte_swap", bool(point.word_order), False, defaults=defaults and point.size > 1)
    else:
        # The digit at place i is the rank of the register at place i, 1 being the most significant one.
        entry["word_order"] = "".join(str(point.word_order.index(place) + 1) for place in range(point.size))
    if point.first_bit or point.bits:
        entry["starting_bit_pos"] = point.first_bit
        entry["number_of_bits"] = point.width
    return entry


def _number(point: Point, *, defaults: bool) -> Entry:
    entry: Entry = {}
    _say(entry, "scale", 1 if point.scale is None else plain(float(point.scale)), 1, defaults=defaults)
    _say(entry, "shift", point.shift, 0, defaults=defaults)
    _say(entry, "signed", point.signed, False, defaults=defaults)
    _say(entry, "float", point.is_float, False, defaults=defaults)
    return entry


def _strings(point: Point) -> list[Any]:
    if point.kind is Kind.ENUM:
        return [{"value": value, "string": text} for value, text in point.strings.items()]
    return _by_bit(point.strings)


def _by_bit(strings: Mapping[int, str]) -> list[str | None]:
    return [strings.get(bit) for bit in range(max(strings, default=-1) + 1)]


def _say(entry: Entry, key: str, value: Any, default: Any, *, defaults: bool) -> None:
    if defaults or value != default:
        entry[key] = value
