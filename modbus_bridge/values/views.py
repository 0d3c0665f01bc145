"""How a point is shown on the bus: naked, clothed, full, raw, and in the table of all points; pure.

The names in full objects are those of gen-3 (modbus.md 3.2), those in raw ones gen-2's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from modbus_bridge.config.model import Format, Kind, Point
from modbus_bridge.values import codec


@dataclass(frozen=True, slots=True)
class State:
    """What is known of a point only while the process runs.

    Attributes:
        component: the id of its component.
        words: its registers as they were read last; ``None`` if they are not known.
        enabled: whether it is polled.
        disconnected: whether the device, or somebody on the bus, took it out.
        is_forced: whether `forced_value` is shown instead of what is read.
        forced_value: as told.
        update_time: when `words` were read, as text.
        age_s: how long ago that was.
        last_value: what it was before.
        last_update_time: when that was read.
        set_value: what was written to it last.
    """

    component: str = ""
    words: Sequence[int] | None = None
    enabled: bool = True
    disconnected: bool = False
    is_forced: bool = False
    forced_value: Any = None
    update_time: str | None = None
    age_s: float | None = None
    last_value: Any = None
    last_update_time: str | None = None
    set_value: Any = None


NOTHING_KNOWN = State()


def shown(point: Point, value: Any, style: Format | None = None, state: State = NOTHING_KNOWN) -> Any:
    """Return `value` as a body shows it: ``x``, ``{"value": x}``, or an object with everything known of the point.

    `style` is the point's own format unless it is given.
    """
    match style or point.format:
        case Format.NAKED:
            return value
        case Format.CLOTHED:
            return {"value": value}
        case Format.FULL:
            return full(point, value, state)


def entries(point: Point, value: Any, style: Format | None = None, state: State = NOTHING_KNOWN) -> dict[str, Any]:
    """Return the keys that a point contributes to its component's body, with what they show.

    Individual bits are published by name (`value` is the object of them, or ``None``); a bit has no registers of its
    own, so full bits are clothed.
    """
    if point.kind is not Kind.INDIVIDUAL_BITS:
        return {point.id: shown(point, value, style, state)}
    bits = value if isinstance(value, dict) else dict.fromkeys(point.keys)
    is_naked = (style or point.format) is Format.NAKED
    return {name: bit if is_naked else {"value": bit} for name, bit in bits.items()}


def full(point: Point, value: Any, state: State) -> dict[str, Any]:
    """Return everything known of a point."""
    bits = None if state.words is None else codec.raw(point, state.words)
    return {
        "value": value,
        "id": point.id,
        "name": point.name,
        "unit": point.unit,
        "component": state.component,
        "register_type": point.type.value,
        "device_id": point.device_id,
        "offset": point.offset,
        "size": point.size,
        "kind": point.kind.value,
        "scale": _scale(point.scale),
        "shift": point.shift,
        "signed": point.signed,
        "float": point.is_float,
        "starting_bit_pos": point.first_bit,
        "number_of_bits": point.width,
        "multi_write_op_code": point.multi_write,
        "writable": point.type.is_writable,
        "raw_val": _json_integer(bits),
        "raw_hex_val": None if bits is None else _hexadecimal(point, bits),
        "enabled": state.enabled,
        "disconnected": state.disconnected,
        "is_forced": state.is_forced,
        "forced_val": state.forced_value,
        "update_time": state.update_time,
        "age_s": None if state.age_s is None else round(state.age_s, 3),
        "last_value": state.last_value,
        "last_update_time": state.last_update_time,
        "set_value": state.set_value,
    }


def raw_view(point: Point, words: Sequence[int]) -> dict[str, Any]:
    """Return the unsigned integer of a point, in binary and in hexadecimal with all its digits."""
    bits = codec.raw(point, words)
    return {"value": _json_integer(bits), "binary": f"{bits:0{point.width}b}", "hex": _hexadecimal(point, bits)}


def points_view(points: Iterable[Point]) -> list[dict[str, Any]]:
    """Return a row for each point: where it lies and what it is, without what is usual."""
    return [_row(point) for point in points]


def _row(point: Point) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": point.id,
        "type": point.type.value,
        "device_id": point.device_id,
        "offset": point.offset,
        "size": point.size,
        "kind": point.kind.value,
        "writable": point.type.is_writable,
    }
    unusual: dict[str, tuple[Any, Any]] = {
        "unit": (point.unit, ""),
        "name": (point.name, ""),
        "scale": (_scale(point.scale), None),
        "shift": (point.shift, 0),
        "signed": (point.signed, False),
        "float": (point.is_float, False),
        "invert_mask": (f"{point.invert_mask:#x}", "0x0"),
        "word_order": ("".join(map(str, _ranks(point))), ""),
        "starting_bit_pos": (point.first_bit, 0),
        "number_of_bits": (point.bits, 0),
        "invalid": ([f"{bits:#x}" for bits in sorted(point.invalid)], []),
        "strings": ({str(number): text for number, text in point.strings.items()}, {}),
        "use_bool": (point.use_bool, True),
        "multi_write_op_code": (point.multi_write, False),
        "debounce": (point.debounce_s, 0),
        "deadband": (point.deadband, 0),
        "format": (point.format.value, "naked"),
    }
    return row | {key: value for key, (value, usual) in unusual.items() if value != usual}


def _ranks(point: Point) -> list[int]:
    """Return, register by register, how significant it is; 1 is the most, as the key `word_order` has it."""
    return [point.word_order.index(position) + 1 for position in range(len(point.word_order))]


def _scale(scale: Fraction | None) -> int | float | None:
    if scale is None:
        return None
    return scale.numerator if scale.denominator == 1 else float(scale)


def _json_integer(bits: int | None) -> int | None:
    """Return `bits` where a body can carry them: those of a long text only have digits."""
    return bits if bits is None or bits < 1 << 64 else None


def _hexadecimal(point: Point, bits: int) -> str:
    return f"{bits:0{-(-point.width // 4)}X}"
