"""How a row reads: what is in each column; pure."""

from __future__ import annotations

import struct
from typing import Any

from modbus_bridge.config.model import Kind
from modbus_bridge.probe.scan import Table
from modbus_bridge.probe.sheet import Row, Sheet
from modbus_bridge.values import codec

NAMED = ("id", "value", "unit", "raw", "address", "age", "")
RAW = ("address", "decimal", "hex", "signed", "float?", "age", "")
# The columns that are numbers.
RIGHT = frozenset(("decimal", "signed", "age"))
# A number outside of these is rarely measured; most registers that are no floats lie outside as floats.
_PLAUSIBLE = (1e-4, 1e8)


def cells(row: Row, sheet: Sheet, now_s: float, *, named: bool) -> list[str]:
    """Return the text of each column. What is not fresh stands in parentheses."""
    age, note = _age(row.age_s(now_s)), row.reason or ""
    if not named:
        return [_place(row), *_raw_cells(row, sheet), age, note]
    name = f"{row.component}/{row.point.id}" if row.component else row.point.id
    # A file may hold anything, a terminal obeys what it is sent.
    texts = (name, _guarded(row, value_text(row)), row.point.unit, _guarded(row, _hex(row)), _place(row))
    return [*map(_printable, texts), age, note]


def value_text(row: Row) -> str:
    """Return a value as people read it."""
    value, point = row.value, row.point
    if row.words is None:
        return ""
    match point.kind:
        case _ if value is None:
            return "not available"
        case Kind.BOOL:
            return str(value).lower()
        case Kind.ENUM:
            return f"{value[0]['string']} ({value[0]['value']})"
        case Kind.BIT_FIELD:
            return ", ".join(f"{bit['string']} ({bit['value']})" for bit in value) or "none"
        case Kind.INDIVIDUAL_BITS:
            return ", ".join(name for name, bit in value.items() if bit) or "none"
        case Kind.TEXT:
            return repr(value)
        case _ if point.is_float and point.size == 2:
            # More digits than a single has are noise.
            return f"{value:.7g}"
        case _:
            return str(value)


def summary(tables: list[Table]) -> list[str]:
    """Return a line for each table that was searched."""
    return [_table_line(table) for table in tables]


def facts(row: Row, now_s: float) -> dict[str, Any]:
    """Return a row for machines. What is not fresh has no value; what it was is called `last_value`."""
    point, age = row.point, row.age_s(now_s)
    found: dict[str, Any] = {
        "component": row.component or None,
        "id": point.id,
        "value": row.value if row.is_fresh else None,
        "unit": point.unit or None,
        "raw": None if row.words is None or not row.is_fresh else _hex(row),
        "table": point.type.value,
        "device_id": point.device_id,
        "offset": point.offset,
        "size": point.size,
        "age_s": None if age is None else round(age, 3),
    }
    if not row.is_fresh:
        found |= {"reason": row.reason, "last_value": row.value}
    return found


def table_facts(table: Table) -> dict[str, Any]:
    """Return what a search has found, for machines."""
    return {
        "table": table.type.value,
        "ranges": [[addresses.start, addresses.stop - 1] for addresses in table.ranges],
        "requests": table.requests,
        "refusals": dict(table.refusals),
        "stopped": table.stopped,
    }


def _table_line(table: Table) -> str:
    if not table.ranges:
        line = f"{table.type}: nothing"
    else:
        shown = ", ".join(f"{r.start}-{r.stop - 1}" if len(r) > 1 else str(r.start) for r in table.ranges[:12])
        more = f" and {len(table.ranges) - 12} more" if len(table.ranges) > 12 else ""
        line = f"{table.type}: {shown}{more}; {table.count} in {table.requests} requests"
    refusals = "".join(f"; {count} addresses: {reason}" for reason, count in table.refusals.most_common(3))
    return line + refusals + (f"; stopped: {table.stopped}" if table.stopped else "")


def _raw_cells(row: Row, sheet: Sheet) -> list[str]:
    if row.words is None:
        return [""] * 4
    bits = codec.raw(row.point, row.words)
    if row.point.type.is_bits:
        return [_guarded(row, str(bits)), "", "", ""]
    signed = str(bits - 0x10000) if bits >> 15 else ""
    return [_guarded(row, str(bits)), _guarded(row, f"{bits:04X}"), _guarded(row, signed), _float_guess(row, sheet)]


def _float_guess(row: Row, sheet: Sheet) -> str:
    """Return the single that the register and the one behind it form, where it is plausible."""
    behind = sheet.word_behind(row)
    if behind is None or row.words is None or not row.is_fresh:
        return ""
    value = struct.unpack(">f", struct.pack(">2H", row.words[0], behind))[0]
    return f"{value:.6g}" if _PLAUSIBLE[0] <= abs(value) < _PLAUSIBLE[1] else ""


def _hex(row: Row) -> str:
    if row.words is None:
        return ""
    return "".join(map(str, row.words)) if row.point.type.is_bits else " ".join(f"{word:04X}" for word in row.words)


def _guarded(row: Row, text: str) -> str:
    return text if row.is_fresh or not text else f"({text})"


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _place(row: Row) -> str:
    point = row.point
    place = f"{point.type} {point.offset}"
    return place if point.size == 1 else f"{place}-{point.end - 1}"


def _age(age_s: float | None) -> str:
    if age_s is None:
        return "never"
    return f"{age_s:.1f} s" if age_s < 60 else f"{age_s / 60:.0f} min" if age_s < 3600 else f"{age_s / 3600:.1f} h"
