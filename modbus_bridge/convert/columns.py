"""Which column of a sheet is which: found by the names in its header row, in many spellings."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ess_bus.errors import Problem
from modbus_bridge.convert import cells
from modbus_bridge.convert.workbook import Sheet

_NAMES: Final[Mapping[str, str]] = {
    "id": "id, point id, register id, tag, variable",
    "name": "name, point name, signal, signal name, parameter, register name, label",
    "description": "description",
    "offset": "offset, address, register address, start address, modbus address, protocol address, reg addr, addr",
    "hex_offset": "address hex, offset hex, hex address, hex offset, register address hex",
    "register": "register, registers, reg",
    "table": "register type, table, function, function code, fc, object type, register kind, reg type",
    "type": "type",
    "size": "size, length, number of registers, register count, words, count, quantity, qty",
    "data_type": "data type, format, data format, value type, encoding, datatype",
    "scale": "scale, scaling, divisor, gain",
    "multiplier": "multiplier, factor, resolution, coefficient, lsb",
    "shift": "shift, value offset, bias",
    "signed": "signed, sign",
    "unit": "unit, units, uom, engineering unit",
    "strings": "bits/strings, bit strings, strings, values, value table, states, enumeration, enum values",
    "component": "component, component id, asset",
    "device_id": "device id, unit id, slave, slave id, slave address, station, node",
    "frequency": "frequency, period, poll, poll interval, poll period, interval, frequency ms, period ms, interval ms",
    "access": "access, r/w, rw, read/write, permission",
    "word_order": "word order, byte order, endian, endianness",
    "byte_swap": "byte swap, word swap, swap",
    "invert_mask": "invert mask",
    "invalid": "invalid, not available, invalid value, na value",
    "first_bit": "bit, start bit, starting bit pos, starting bit, first bit, bit number, bit offset, bit position",
    "bit_count": "number of bits, bit count, bit length, bit width",
}
_COLUMNS: Final = {cells.plain(name): column for column, names in _NAMES.items() for name in names.split(", ")}
# What may stand in brackets behind a name without changing what the column says.
_HARMLESS: Final = frozenset(["ms", "dec", "decimal", "0based", "optional", "registers", "words"])
_FREE: Final = frozenset(("id", "name", "description", "unit", "component", "strings", "access"))
_AMBIGUOUS: Final = {
    "scalefactor": "Scale (value = raw / scale) or Multiplier (value = raw * multiplier)",
    "sf": "Scale (value = raw / scale) or Multiplier (value = raw * multiplier)",
}


@dataclass(frozen=True, slots=True)
class Header:
    """Where the table of a sheet is.

    Attributes:
        row: the row of the names.
        columns: column key (see `_NAMES`) -> number of the column.
        unused: the numbers of the columns that mean nothing here.
    """

    row: int
    columns: Mapping[str, int]
    unused: tuple[int, ...]


def find_header(sheet: Sheet, problems: list[Problem]) -> Header | None:
    """Return the header, or ``None`` if no row is one: one names an address, and an id, a name or a type."""
    for row in range(len(sheet.rows)):
        found = {_column(cell) for cell in sheet.rows[row] if isinstance(cell, str)}
        has_address = found & {"offset", "hex_offset", "register"}
        if has_address and found & {"id", "name", "description", "table", "type", "data_type"}:
            return _header(sheet, row, problems)
    return None


def _header(sheet: Sheet, row: int, problems: list[Problem]) -> Header:
    columns: dict[str, int] = {}
    unused: list[int] = []
    named = {_column(cell) for cell in sheet.rows[row] if isinstance(cell, str)}
    for number, cell in enumerate(sheet.rows[row]):
        where = sheet.named(row, number)
        key = _column(cell) if isinstance(cell, str) else None
        if key is not None:
            key = _decided(key, named, _below(sheet, row, number))
        if key is None:
            reason = None if cell is None else _reason(str(cell))
            if reason is not None:
                problems.append(Problem(where, reason))
            elif cell is not None:
                unused.append(number)
        elif key in columns:
            other = columns[key]
            message = f"{cell!r} means the same as {sheet.cell(row, other)!r} at {sheet.named(row, other)}"
            problems.append(Problem(where, message))
        else:
            columns[key] = number
    return Header(row, columns, tuple(unused))


def _column(name: str) -> str | None:
    whole = _COLUMNS.get(cells.plain(name))
    if whole is not None:
        return whole
    base, inside = _bracket(name)
    key = _COLUMNS.get(base)
    return key if key in _FREE or inside in _HARMLESS else None


def _reason(name: str) -> str | None:
    """Return why a column that is not understood must not be passed over: it would change what values mean."""
    base, inside = _bracket(name)
    expected = _AMBIGUOUS.get(cells.plain(name)) or _AMBIGUOUS.get(base)
    if expected is not None:
        return f"{name!r} can mean two things; expected {expected}"
    if base in _COLUMNS and inside:
        return f"{name!r} is not understood; expected {_NAMES[_COLUMNS[base]].split(', ')[0].capitalize()}"
    return None


def _bracket(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?)[(\[](.*?)[)\]]?\s*", name, re.DOTALL)
    return (cells.plain(match[1]), cells.plain(match[2])) if match else (cells.plain(name), "")


def _below(sheet: Sheet, row: int, column: int) -> list[Any]:
    return [cell for number in range(row + 1, len(sheet.rows)) if (cell := sheet.cell(number, column)) is not None]


def _decided(key: str, named: set[str | None], below: list[Any]) -> str:
    """Return what a column is whose name can mean two things, by the others and by what is in it."""
    if key == "register":
        if any(_fits(cells.addresses, cell) for cell in below):
            return "size" if "offset" in named else "offset"
        return "table"
    if key == "type":
        return "data_type" if any(_fits(cells.data_type, cell) for cell in below) else "table"
    return key


def _fits(parse: Callable[[Any], object], cell: Any) -> bool:
    try:
        parse(cell)
    except ValueError:
        return False
    return True
